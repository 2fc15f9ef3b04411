"""Options from text: what is read, and what is refused with the range."""

from argparse import ArgumentTypeError

import pytest

from frenkel.cli import values

LAST = 2**31 - 1

READ = [
    (values.seconds, {"1-02:03:04": 93784.0, "2:30": 9000.0, "90 min": 5400.0, "30": 30.0, "1e9 s": 1e9}),
    (values.positive, {"1": 1, " 12 ": 12}),
    (values.natural, {"0": 0, "7": 7}),
    (values.members, {"1": 1, str(LAST): LAST}),
    (values.member, {"0": 0, str(LAST - 1): LAST - 1}),
    (
        values.quantile,
        {"forming_voltage 1% 5%": ("forming_voltage", 0.01, 0.05), "a 99 200%": ("a", 0.99, 2.0)},
    ),
    (values.shard, {"1/1": (1, 1), "3/8": (3, 8), "8/8": (8, 8)}),
]

REFUSED = [
    (values.seconds, ["1e9 h", "-1 s", "1:2", "nan s"], "must be"),
    (values.positive, ["0", "-1", "1.5", "1_0", "٣"], "at least 1, got"),
    (values.natural, ["-1", ""], "at least 0, got"),
    (values.members, ["0", str(LAST + 1)], f"between 1 and {LAST}, got"),
    (values.member, ["-1", str(LAST)], f"between 0 and {LAST - 1}, got"),
    (
        values.quantile,
        ["a 0% 5%", "a 100% 5%", "a 1% 0%", "a 1%", "a b c"],
        "must be like 'forming_voltage 1% 5%'",
    ),
    (values.shard, ["0/3", "4/3", "1", "1/x", "-1/2"], "I/N with I from 1 to N, got"),
]


@pytest.mark.parametrize(("read", "cases"), READ)
def test_read(read, cases):
    assert {text: read(text) for text in cases} == cases


@pytest.mark.parametrize(("read", "texts", "words"), REFUSED)
def test_refused(read, texts, words):
    for text in texts:
        with pytest.raises(ArgumentTypeError, match=words):
            read(text)

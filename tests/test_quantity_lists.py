"""Quantities in lists: each has its own unit, or that of the last."""

import math

import pytest

from frenkel.configuration.quantity import writes
from frenkel.quantity import all_si, all_to_si, share_unit, si


@pytest.mark.parametrize(("value", "expected"), [
    ("1, 2 us", (1e-6, 2e-6)), ("3 ms", (3e-3,)), (["1 us", "2 ms", "3 s"], (1e-6, 2e-3, 3.0)),
    (("2 ms", "1 us"), (2e-3, 1e-6)),
])  # fmt: skip
def test_units_of_a_list(value, expected):
    assert all_to_si(value, "s", 0.0, 10.0) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("value", "words"), [
    ("1, 2", "needs a unit of s at the end"), ("1 us, 2", "needs a unit of s at the end"),
    (["1 us", "2 V"], "must be in s"), (["1 us", "20 s"], "must be between 0 and 10 s"),
    ("-1, 2 s", "between 0 and 10 s"), (3.0, "must be text such as"),
])  # fmt: skip
def test_a_list_that_is_none_is_named(value, words):
    with pytest.raises(ValueError, match=words):
        all_to_si(value, "s", 0.0, 10.0)


@pytest.mark.parametrize(("texts", "expected"), [
    (("1", "2 V"), ("1 V", "2 V")), (("1 mV", "2 V"), ("1 mV", "2 V")), (("1", "2"), ("1", "2")),
    (("1", " 2 MV/s"), ("1 MV/s", "2 MV/s")), (("1 V", "2"), ("1 V", "2")), (("off", "2 V"), ("off", "2 V")),
    ((".5", "-1e-3", "2 V"), (".5 V", "-1e-3 V", "2 V")),
])  # fmt: skip
def test_bare_numbers_take_the_last_unit(texts, expected):
    assert share_unit(texts) == expected


def test_values_of_a_script():
    assert all_si("times", "0, 1, 2 us", "s") == pytest.approx((0.0, 1e-6, 2e-6), rel=1e-12)
    assert all_si("times", [3.0, "2 ms"], "s") == pytest.approx([3.0, 2e-3], rel=1e-12)
    assert si("x", 5, "m") == 5 and math.isnan(si("x", math.nan, "m"))
    for call, value in ((si, "2 V"), (all_si, "1, 2 V"), (all_si, ["1 s", "2 V"])):
        with pytest.raises(ValueError, match="^times must be in s"):
            call("times", value, "s")


def test_what_is_written_reads_to_the_same_floats():
    text = writes("s").func
    assert text((0.1, 1e-6)) == "0.1, 1e-06 s" and text(2.5) == "2.5 s"
    assert all_to_si(text((0.1, 1 / 3)), "s", 0, 1) == (0.1, 1 / 3)

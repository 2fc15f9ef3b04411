"""Cards with values replaced, keys dropped and types swapped, signed again: a result, or one sentence.

Exit 0 or 1, no traceback, no "internal error", no number that is none in what is written.
"""

import copy
import io
import json
import re
import warnings
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up_core import CARD
from made_up_noise import RELAXATION, RTN

from frenkel.analysis.exports.cards import FORMATS
from frenkel.cells.card import checksum
from frenkel.cli.main import main

ROW = {"statistic": "pooled KS", "value": 0.1, "floor": 0.1, "limit": 0.2, "passed": True}
WHOLE = replace(
    CARD,
    rtn_law=RTN,
    relaxation_law=RELAXATION,
    gate=(ROW,),
    intervals={"weight 1": (0.0, 1.0)},
    provenance={"noise": {"rtn": {"file": "a.nc", "material": "HfO2-volatile"}}},
).to_dict()

WEIRD = st.one_of(
    st.sampled_from(
        [None, True, [], {}, [[]], [1.0], {"a": 1}, "", "1", "a\nb", 'a"b', "nan", 10**400, "ohm"]
    ),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-1e3, 1e3),
    st.integers(-3, 3),
    st.sampled_from([1e30, -1e30, 1e-30, 1e300, 5e-324, 709.0, -745.0, 30.0, 100.0]),
    st.text(max_size=10),
    st.lists(st.floats(-1e30, 1e30), max_size=5),
)


def places(data, place=()):
    """Return the places of all values; of long rows of numbers the first and the last."""
    inner = (
        list(data.items())
        if isinstance(data, dict)
        else list(enumerate(data))
        if isinstance(data, list)
        else []
    )
    if isinstance(data, list) and len(data) > 4:
        inner = [inner[0], inner[-1]]
    return [place] * bool(place) + [found for key, value in inner for found in places(value, (*place, key))]


PLACES = [place for place in places(WHOLE) if place != ("checksum",)]


def mutated(place, action, value):
    """Return a function that changes data at a place; a place that an earlier change removed is passed by."""

    def change(data):
        inner = data
        try:
            for key in place[:-1]:
                inner = inner[key]
            if action == "drop":
                del inner[place[-1]]
            elif action == "scale":
                inner[place[-1]] = inner[place[-1]] * value
            elif action == "double":
                inner[place[-1]] = [copy.deepcopy(inner[place[-1]])] * 2
            elif action == "add":
                inner[place[-1]]["more\x1b[2J"] = value
            else:
                inner[place[-1]] = value
        except (KeyError, IndexError, TypeError, OverflowError, MemoryError):
            pass

    return change


CHANGE = st.builds(
    mutated, st.sampled_from(PLACES), st.sampled_from(["replace", "replace", "drop", "double", "add"]), WEIRD
) | st.builds(
    mutated, st.sampled_from(PLACES), st.just("scale"), st.sampled_from([-1, 0, 1e-9, 0.5, 30, 1e9])
)


def signed(changes):
    """Return the text of a card with changes and a checksum that fits."""
    data = json.loads(json.dumps(WHOLE))
    for change in changes:
        change(data)
    data.pop("checksum", None)
    try:
        data["checksum"] = checksum(data)
    except ValueError:
        data["checksum"] = "0" * 64
    return json.dumps(data)


def ended(words, capsys):
    """Return whether a command made something; otherwise it said why in one sentence."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        status = main([str(word) for word in words])
    said = capsys.readouterr().err
    if status:
        assert status == 1 and said.startswith("frenkel: ") and said.count("\n") == 1, said
        assert "internal error" not in said and len(said) < 1000 and said.strip().isprintable(), said
    return status == 0


def numbers_are_numbers(path):
    """Refuse a written file that holds a number that is none."""
    if path.suffix == ".npz":
        with np.load(path) as law:
            for name in set(law.files) - {"python", "source", "names", "units", "validity"}:
                assert np.all(np.isfinite(law[name])), name
    else:
        assert not re.search(r"[=(,\s+*-](nan|inf)\b(?!=)", path.read_text()), path


@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(changes=st.lists(CHANGE, min_size=1, max_size=3), form=st.sampled_from([*FORMATS]))
def test_mutated_cards(changes, form, tmp_path, capsys):
    card, out = tmp_path / "a.card.json", tmp_path / f"a{FORMATS[form]}"
    card.write_text(signed(changes))
    good = ended(["show", card], capsys)
    written = ended(["export", card, "--to", form, "-o", out, "--force"], capsys)
    assert good or not written
    if written:
        numbers_are_numbers(out)


@pytest.fixture(scope="module")
def held_out(tmp_path_factory):
    """Return a file of few devices with few cycles."""
    path = tmp_path_factory.mktemp("gate") / "held.nc"
    drawn = CARD.sample(24, 8, 2)
    xr.Dataset(
        {f.name: (("device", "cycle"), drawn[f.name], {"units": f.unit}) for f in CARD.features}
    ).to_netcdf(path)
    return path


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(change=CHANGE)
def test_gates_of_mutated_cards(change, held_out, tmp_path, capsys):
    """A verdict, passed or failed, or one sentence; what is no number has not passed."""
    card = tmp_path / "a.card.json"
    card.write_text(signed([change]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        status = main(["validate", str(card), str(held_out)])
    out, said = capsys.readouterr()
    assert status in (0, 1) and "internal error" not in said, said
    assert not re.search("nan.*passed", out), out
    assert status == 0 or out or said.startswith("frenkel: ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[" * 100_000,
        '{"a":' * 100_000,
        "3",
        "null",
        '"a"',
        "{}",
        "[1e999]",
        '{"kind": "frenkel card"}',
        "\x00",
    ],
)
def test_texts_that_are_no_cards(text, tmp_path, capsys):
    (tmp_path / "a.json").write_text(text)
    assert not ended(["show", tmp_path / "a.json"], capsys)
    (tmp_path / "a.json").write_bytes(b"\xff\xfe" + text.encode())
    assert not ended(["show", tmp_path / "a.json"], capsys)


def test_bytes_changed(tmp_path, capsys):
    """Planted: one byte of the text of a card flipped; the checksum finds each."""
    text = json.dumps(WHOLE).encode()
    random = np.random.default_rng(1)
    for place in random.integers(0, len(text), 40):
        changed = bytearray(text)
        changed[place] ^= 1 << random.integers(0, 7)
        (tmp_path / "a.json").write_bytes(bytes(changed))
        assert not ended(["show", tmp_path / "a.json"], capsys), (
            place,
            io.BytesIO(changed).getvalue()[place - 9 : place + 9],
        )

"""Known misses of `make verify`: a reason goes with the figure that it was written for."""

import json
import math

import misses
import pytest
from row import Row


def a_row(name, ours, verdict=False, error=math.nan):
    return Row(
        id=name, quantity="", published="", source="", confidence="", ours=ours, error=error, verdict=verdict
    )


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "m.json"
    misses.record(file, [a_row("A", 2.0), a_row("B", 5.0), a_row("C", math.nan)], material="x", quick=True)
    known = misses.read(file)
    for name, one in known["missed"].items():
        one["why"] = f"reason of {name}"
    file.write_text(json.dumps(known))
    return file


def test_a_reason_does_not_survive_a_changed_figure(path):
    """A quarter is allowed, of the figure that the reason is for: many small steps do not carry it away."""
    misses.record(
        path, [a_row("A", 2.4), a_row("B", 6.5), a_row("C", 1.0), a_row("D", 3.0, True)], material="y"
    )
    found = misses.read(path)
    assert found["material"] == "y" and set(found["missed"]) == {"A", "B", "C"}
    assert found["missed"]["A"] == {"value": 2.0, "within": 0.5, "why": "reason of A"}
    assert [found["missed"][name]["why"] for name in "BC"] == ["", ""]
    assert found["missed"]["B"]["value"] == 6.5
    misses.record(path, [a_row("A", 2.6), a_row("B", 6.5)], material="y")
    assert misses.read(path)["missed"]["A"] == {"value": 2.6, "within": 0.65, "why": ""}


def test_a_figure_that_is_none_has_moved_when_there_is_one(path):
    known = misses.read(path)["missed"]["C"]
    assert known["value"] is None and misses.moved(known, 1.0) and not misses.moved(known, math.nan)
    assert misses.moved(misses.read(path)["missed"]["A"], math.nan)
    misses.record(path, [a_row("C", math.nan)])
    assert misses.read(path)["missed"]["C"]["why"] == "reason of C"


def test_errors_widen_what_is_allowed():
    assert misses.allowance(a_row("A", -4.0, error=0.1)) == 1.0
    assert misses.allowance(a_row("A", -4.0, error=1.0)) == 3.0
    assert misses.allowance(a_row("K-1", 4.0)) == 4.0  # CPU time


def test_an_explanation_elsewhere_is_known_by_its_digest(tmp_path):
    """One that was not touched since does not explain another figure; a new one does."""
    path, first, second = tmp_path / "p.json", {"A": "one step"}, {"A": "two steps"}
    misses.record(path, [a_row("A", 2.0)], first)
    assert misses.read(path)["missed"]["A"]["why"] == misses.digest("one step") != ""
    misses.record(path, [a_row("A", 2.1)], second)
    assert misses.read(path)["missed"]["A"]["why"] == misses.digest("two steps")
    misses.record(path, [a_row("A", 9.0)], second)
    assert misses.read(path)["missed"]["A"] == {"value": 9.0, "within": 2.25, "why": ""}
    misses.record(path, [a_row("A", 9.0)], first)
    assert misses.read(path)["missed"]["A"]["why"] == misses.digest("one step")
    misses.record(path, [a_row("B", 9.0)], first)
    assert misses.read(path)["missed"]["B"]["why"] == ""

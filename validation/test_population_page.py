"""The page of a population is that of the rows that are kept beside it (fast)."""

import json
from dataclasses import asdict

import population_page
import population_published_rows
import population_table
from population_targets import ASKED, Measured


def kept(*rows):
    """Return what a run leaves."""
    group = {"rows": [asdict(row) for row in rows], "lines": [], "cpu": 1.5, "commit": "0123456789"}
    group["mode"] = "short"
    asked = {"material": "HfO2-fast", "hash": "ab", "first_seed": 1, "setting": {"limit": 3e-5}}
    return asked | {"population": {}, "groups": {"some": group}}


def test_page_has_each_quantity_in_order_and_counts_verdicts():
    rows = Measured(id="C-8", value=0.5, note="a, b"), Measured(id="V-1", value=0.5, low=0.4, high=0.6)
    lines = population_page.page(json.loads(json.dumps(kept(*rows)))).splitlines()
    assert lines[2] == f"1 met, 1 MISSED, {len(ASKED) - 2} not measured."
    first, second, note = (line.split(" | ") for line in lines if line[2:5] in ("V-1", "C-8"))
    assert (first[0], first[3], first[4], first[-1]) == ("| V-1", "0.5", "0.4 to 0.6", "met |")
    assert (second[0], second[-1]) == ("| C-8", "MISSED |")
    assert note == ["| C-8", "a, b |"]


def test_a_stopped_run_goes_on_where_it_asks_for_the_same(monkeypatch, tmp_path):
    store, found = tmp_path / "population.json", kept(Measured(id="C-8", value=1.0, low=0.9, high=1.0))
    store.write_text(json.dumps(found), encoding="utf-8")
    asked = {key: found[key] for key in found if key != "groups"}
    assert population_table.resumed(store, dict(asked)) == found
    assert population_table.resumed(store, asked | {"hash": "cd"})["groups"] == {}
    assert population_table.resumed(tmp_path / "none.json", dict(asked))["groups"] == {}
    monkeypatch.setattr(population_table, "RECORDED", store)
    assert population_table.resumed(tmp_path / "none.json", dict(asked)) == found
    quick = json.loads(json.dumps(found))
    quick["groups"]["some"]["mode"] = "quick"
    quick["groups"]["former"] = {"rows": []}
    other = tmp_path / "quick.json"
    other.write_text(json.dumps(quick), encoding="utf-8")
    assert population_table.resumed(other, dict(asked)) == found


def test_rows_of_other_pages_are_counted_for_their_own_set():
    counted = population_published_rows.counted_row
    text = "of the set ab\n\n21 of 29 rows are in band.\n"
    assert counted("Q-1", text, "p.md", "ab").value == 21 / 29
    assert counted("Q-1", text, "p.md", "cd").note == "p.md is of another set"
    assert counted("Q-2", "none", "p.md").verdict == "not measured"


def test_the_page_is_that_of_the_kept_rows():
    found = json.loads(population_page.RECORDED.read_text(encoding="utf-8"))
    assert population_page.PAGE.read_text(encoding="utf-8") == population_page.page(found)

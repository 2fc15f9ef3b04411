"""Record of content hashes: what is compared, what is continued, what is refused."""

import importlib.util
import json
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("content_hashes.py")
spec = importlib.util.spec_from_file_location("content_hashes", SCRIPT)
content_hashes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(content_hashes)

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def test_the_same_example_has_the_same_hash_and_a_changed_one_is_named(tmp_path, capsys):
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    assert content_hashes.main(["2d", "-o", str(first)]) == 0
    assert content_hashes.main(["2d", "-o", str(second), "--against", str(first)]) == 0
    assert "1 of 1 examples, equal" in capsys.readouterr().out
    record = json.loads(first.read_text())
    record["examples"]["2d"]["hash"] = "0" * 64
    first.write_text(json.dumps(record))
    # It continues the second record: nothing runs again, and the difference is still seen.
    assert content_hashes.main(["2d", "-o", str(second), "--against", str(first)]) == 1
    output = capsys.readouterr().out
    assert "2d: " in output and "differs from 0000" in output and "CPU" not in output


def test_a_record_of_other_sources_is_not_continued(tmp_path):
    path = tmp_path / "hashes.json"
    content_hashes.save({"sources": "others", "surroundings": {}, "examples": {"2d": {}}}, path)
    with pytest.raises(SystemExit, match="of other sources or of another environment"):
        content_hashes.load_record(path, "these", force=False)
    assert not content_hashes.load_record(path, "these", force=True)["examples"]


def test_a_record_that_lacks_an_example_or_has_other_options_is_not_equal():
    entry, other = {"hash": "a", "options": []}, {"hash": "a", "options": ["--members", "2"]}
    here = {"surroundings": {"python": "3.11"}, "examples": {"vcm": entry}}
    there = {"surroundings": {"python": "3.12"}, "examples": {"vcm": other}}
    lines = content_hashes.differences(here, there, ["vcm", "ecm"])
    assert lines[0].startswith("vcm: run with other options")
    assert lines[1] == "ecm: not in this record" and "python is '3.11' here" in lines[2]


def test_an_unknown_example_is_refused(capsys):
    with pytest.raises(SystemExit):
        content_hashes.main(["none"])
    assert "no example none; choose from vcm, " in capsys.readouterr().err


def test_a_failed_example_is_reported(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(content_hashes.RUNS, "2d", ("--set", "device.width=-1 nm"))
    assert content_hashes.main(["2d", "-o", str(tmp_path / "hashes.json")]) == 1
    assert "2d: frenkel run" in capsys.readouterr().err


def test_every_example_is_one_of_the_package():
    assert all((EXAMPLES / f"{name}.toml").exists() for name in content_hashes.RUNS)
    assert set(content_hashes.QUICK) < set(content_hashes.RUNS)


def test_the_hash_of_a_card_is_that_of_its_numbers():
    provenance = {"cycles": 4, "ensemble": {"git": 1}}
    card = {"device": {"means": [1.5, 2]}, "checksum": "a", "provenance": provenance}
    same = {**card, "checksum": "b", "provenance": {"cycles": 4, "ensemble": {"git": 2}}}
    hashed = content_hashes.card_hash(json.dumps(card))
    assert hashed == content_hashes.card_hash(json.dumps(same))
    assert hashed != content_hashes.card_hash(json.dumps({**card, "device": {"means": [1.5, 2.5]}}))
    assert hashed != content_hashes.card_hash(json.dumps({**card, "device": {"medians": [1.5, 2]}}))

"""Record of content hashes: a changed result is named, and a card is compared by its numbers."""

import importlib.util
import json
from pathlib import Path

SCRIPT = Path(__file__).with_name("content_hashes.py")
spec = importlib.util.spec_from_file_location("content_hashes", SCRIPT)
content_hashes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(content_hashes)


def test_the_same_example_has_the_same_hash_and_a_changed_one_is_named(tmp_path, capsys):
    record = tmp_path / "record.json"
    assert content_hashes.main(["2d", "-o", str(record)]) == 0
    assert content_hashes.main(["2d", "--against", str(record)]) == 0
    assert "1 examples, equal" in capsys.readouterr().out
    record.write_text(json.dumps({"examples": {"2d": {"hash": "0" * 64}}}))
    assert content_hashes.main(["2d", "--against", str(record)]) == 1
    assert "different: 2d" in capsys.readouterr().out


def test_the_hash_of_a_card_is_that_of_its_numbers():
    provenance = {"cycles": 4, "ensemble": {"git": 1}}
    card = {"device": {"means": [1.5, 2]}, "checksum": "a", "provenance": provenance}
    same = {**card, "checksum": "b", "provenance": {"cycles": 4, "ensemble": {"git": 2}}}
    hashed = content_hashes.card_hash(json.dumps(card))
    assert hashed == content_hashes.card_hash(json.dumps(same))
    assert hashed != content_hashes.card_hash(json.dumps({**card, "device": {"means": [1.5, 2.5]}}))
    assert hashed != content_hashes.card_hash(json.dumps({**card, "device": {"medians": [1.5, 2]}}))

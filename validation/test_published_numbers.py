"""The default preset against published numbers, row by row (slow; `make verify`)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import misses
import published_numbers
import pytest
from explanations import WHY

from frenkel.kinetic.materials.material import Material

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
KNOWN = misses.read(published_numbers.MISSES)
WORDS = os.environ.get("FRENKEL_VERIFY", "--quick --seeds 4").split()
OPTIONS = published_numbers.read_options(WORDS)
ALIKE = published_numbers.key(OPTIONS) == KNOWN.get("options")
"""Whether as many devices and cycles are asked for as the known misses are of: others miss other rows."""
AGAIN = "look at the table, then record it with published_numbers.py --record"

pytestmark = pytest.mark.verification


@pytest.fixture(scope="module")
def rows():
    """Measure, or take over what is measured, in processes of their own; the table goes to the screen."""
    print()
    sys.stdout.flush()
    subprocess.run([sys.executable, str(HERE / "published_numbers.py"), *WORDS], cwd=ROOT, check=True)
    table = json.loads((ROOT / "build" / "verify" / "table.json").read_text(encoding="utf-8"))
    return {row["id"]: row for row in table}


def marked(name):
    """Return a row, as one that is expected to be out if it is a known miss."""
    out = name in KNOWN["missed"]
    why = f"known to be out, see explanations.py; in band: {AGAIN}"
    return pytest.param(name, marks=[pytest.mark.xfail(strict=ALIKE, reason=why)] if out else [])


@pytest.mark.parametrize("name", [marked(name) for name in published_numbers.ROWS])
def test_row_is_in_band(rows, name):
    assert rows[name]["verdict"] is not False, f"{rows[name]['ours']}: {AGAIN}"


@pytest.mark.parametrize("name", list(KNOWN["missed"]))
def test_what_is_out_has_the_known_figure(rows, name):
    if not ALIKE:
        pytest.skip("the known misses are of other numbers of devices")
    known = KNOWN["missed"][name]
    assert not misses.moved(known, rows[name]["ours"]), f"{known['value']} before: {AGAIN}"


def test_known_misses_are_of_the_default_set():
    assert Material.load("HfO2-fast").hash == KNOWN.get("material"), f"they are of another set: {AGAIN}"


def test_every_known_miss_is_explained():
    """By a text that was written for its figure."""
    silent = [name for name, known in KNOWN["missed"].items() if not known["why"] or name not in WHY]
    assert not silent, f"no explanation in explanations.py for {', '.join(silent)}"

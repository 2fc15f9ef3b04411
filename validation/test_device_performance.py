"""The default HfO2 against the targets of a device (slow; `make verify`)."""

import json
import subprocess
import sys
from pathlib import Path

import misses
import pytest

from frenkel.kinetic.materials.material import Material

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
KNOWN = misses.read(HERE / "device_misses.json")
AGAIN = "look at the table, then record it with device_performance.py --record"

pytestmark = pytest.mark.verification


@pytest.fixture(scope="module")
def rows():
    """Measure in processes of their own, as the known misses were; the table goes to the screen."""
    assert Material.load("HfO2-fast").hash == KNOWN["material"], (
        f"the known misses are those of another set: {AGAIN}"
    )
    print()
    sys.stdout.flush()
    quick = ["--quick"] if KNOWN["quick"] else []
    subprocess.run([sys.executable, str(HERE / "device_performance.py"), *quick], cwd=ROOT, check=True)
    return json.loads((ROOT / "build" / "verify" / "device.json").read_text(encoding="utf-8"))


def test_missed_rows_are_the_known_ones(rows):
    missed = {row["id"] for row in rows if not row["verdict"]}
    known = set(KNOWN["missed"])
    assert missed == known, f"new: {sorted(missed - known)}, now met: {sorted(known - missed)}; {AGAIN}"


def test_missed_figures_are_the_known_ones(rows):
    known = KNOWN["missed"]
    moved = [row["id"] for row in rows if row["id"] in known and misses.moved(known[row["id"]], row["ours"])]
    assert not moved, f"better or worse than known: {', '.join(moved)}; {AGAIN}"


def test_every_known_miss_is_explained():
    silent = [name for name, known in KNOWN["missed"].items() if not known["why"]]
    assert not silent, f"no reason in device_misses.json for {', '.join(silent)}"

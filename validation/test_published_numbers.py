"""The default preset against published numbers (slow; `make verify`)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
ENOUGH = 0.8

pytestmark = pytest.mark.verification


@pytest.fixture(scope="module")
def rows():
    """Measure, or take over what is measured, in processes of their own; the table goes to the screen."""
    program = str(HERE / "published_numbers.py")
    command = [sys.executable, program, *os.environ.get("FRENKEL_VERIFY", "").split()]
    print()
    sys.stdout.flush()
    subprocess.run(command, cwd=ROOT, check=True)
    return json.loads((ROOT / "build" / "verify" / "table.json").read_text(encoding="utf-8"))


@pytest.mark.xfail(
    strict=True,
    reason="SET is steep, one atom is a step of it, and SETs to 500 uA are cut short: rows are out, "
    "see explanations.py; passing means that this mark must go",
)
def test_enough_rows_are_in_band(rows):
    banded = [row for row in rows if row["verdict"] is not None]
    out = [row["id"] for row in banded if not row["verdict"]]
    assert len(banded) - len(out) >= ENOUGH * len(banded), f"out of band: {', '.join(out)}"


def test_every_row_out_of_band_is_explained(rows):
    silent = [row["id"] for row in rows if row["verdict"] is False and not row["why"]]
    assert not silent, f"no explanation in explanations.py for {', '.join(silent)}"


def test_gates_hold(rows):
    """V-22 is exact: no number of devices and no tuning can excuse it."""
    exact = {row["id"]: row["verdict"] for row in rows if row["id"] == "V-22"}
    assert exact == {"V-22": True}

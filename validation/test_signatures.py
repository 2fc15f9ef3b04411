"""Every family of materials against its published signature (slow; `make verify`)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from signatures_vcm import NO_FORMING

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
ENOUGH = 0.88
FORMING = ("V-made", "V-form")
"""Rows that no publication has a number for: what is asked of every set of valence change."""

pytestmark = pytest.mark.verification


@pytest.fixture(scope="module")
def rows():
    """Measure in processes of their own; the table goes to the screen."""
    print()
    sys.stdout.flush()
    subprocess.run([sys.executable, str(HERE / "signatures.py")], cwd=ROOT, check=True)
    return json.loads((ROOT / "build" / "verify" / "signatures.json").read_text(encoding="utf-8"))


def test_enough_signatures_are_in_band(rows):
    banded = [row for row in rows if row["verdict"] is not None and row["id"] not in FORMING]
    out = [row["id"] for row in banded if not row["verdict"]]
    assert len(banded) - len(out) >= ENOUGH * len(banded), f"out of band: {', '.join(out)}"


def test_sets_form_from_a_film_that_insulates_save_those_that_say_why(rows):
    out = {row["quantity"].partition(":")[0] for row in rows if row["id"] in FORMING and not row["verdict"]}
    assert out <= {*NO_FORMING, "SiOx-electrons"}  # the last one does not end in its CPU time


def test_every_signature_out_of_band_is_explained(rows):
    silent = [row["id"] for row in rows if row["verdict"] is False and "Out: " not in row["note"]]
    assert not silent, f"no explanation in the note of {', '.join(silent)}"

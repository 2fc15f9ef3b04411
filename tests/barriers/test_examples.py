"""The three oxides of examples/barriers: their sets are read, and their table is that of its script."""

import runpy
from pathlib import Path

import pytest

from frenkel.kinetic.materials.material import Material

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "barriers"


@pytest.mark.filterwarnings("ignore:.*is a label")
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_a_set_is_read_and_says_that_its_cells_are_neutral(path):
    rows = {f"{row.section}.{row.key}": row for row in Material.read(path).table()}
    barrier = rows["vacancy.migration_barrier"]
    assert barrier.confidence == "machine-learned potential" and "neutral" in barrier.note
    assert barrier.range[0] < barrier.value < barrier.range[1]


def test_published_barriers_stand_beside_the_reports():
    lines = runpy.run_path(str(FOLDER / "published.py"))["table"]()
    assert (FOLDER / "published.md").read_text(encoding="utf-8").splitlines()[2:] == lines
    assert lines[-1].startswith("9 of 11 are covered")

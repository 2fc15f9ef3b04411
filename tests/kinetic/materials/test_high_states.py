"""What docs/high_states.json says of each packaged set, against the laws that the set has."""

import json
from pathlib import Path

import pytest

from frenkel.kinetic.materials.material import Material

ROOT = Path(__file__).resolve().parents[3]
FOUND = json.loads((ROOT / "docs" / "high_states.json").read_text(encoding="utf-8"))
LAWS = ("gap_reorganisation", "gap_barrier", "contact_bottom_barrier", "contact_top_barrier")


def curved(material: Material) -> bool:
    """Tell whether a set has a law that bends the current of its high state."""
    conduction = material.document().get("conduction", {})
    return material.has("interface") or any(name in conduction for name in LAWS)


def test_every_set_is_measured() -> None:
    assert sorted(FOUND) == sorted(Material.names())


@pytest.mark.parametrize("name", [name for name, row in FOUND.items() if "high" in row])
def test_the_high_state_is_as_curved_as_the_laws_of_its_set(name: str) -> None:
    near, far = FOUND[name]["high"]
    if curved(Material.load(name)):
        assert near / far > 2
    else:
        assert near / far == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("name", [name for name, row in FOUND.items() if row["above"] > 1e-9])
def test_only_a_set_of_which_the_page_says_so_is_above_its_melting_point(name: str) -> None:
    page = (ROOT / "docs" / "materials.md").read_text(encoding="utf-8")
    assert f"{name} goes above its point in each cycle" in page

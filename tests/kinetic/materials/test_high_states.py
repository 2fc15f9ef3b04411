"""What docs/high_states.json says of each packaged set, against the laws that the set has."""

import json
import math
from pathlib import Path

import pytest

from frenkel.kinetic.materials.material import Material

ROOT = Path(__file__).resolve().parents[3]
FOUND = json.loads((ROOT / "docs" / "high_states.json").read_text(encoding="utf-8"))
HOPS = ("gap_reorganisation", "contact_bottom_barrier", "contact_top_barrier")


def bounds(material: Material) -> tuple[float, float]:
    """Return the least and the largest R(0.1 V)/R(0.5 V) of a high state by the laws that a set has.

    A gap of some spacings that is tunnelled through bends by less than a half. It need not be there: a cell
    that has dissolved whole is off as its film is, which is ohmic.
    """
    conduction = material.document().get("conduction", {})
    if "gap_hop_length" in conduction:
        return 1.1, math.inf  # a long gap has many hops, over each of which little of the voltage lies
    if material.has("interface") or any(name in conduction for name in HOPS):
        return 2.0, math.inf
    return (1.0, 1.5) if "gap_barrier" in conduction else (1.0, 1.0)


def test_every_set_is_measured() -> None:
    assert sorted(FOUND) == sorted(Material.names())


@pytest.mark.parametrize("name", [name for name, row in FOUND.items() if "high" in row])
def test_the_high_state_is_as_curved_as_the_laws_of_its_set(name: str) -> None:
    near, far = FOUND[name]["high"]
    low, high = bounds(Material.load(name))
    assert low * (1 - 1e-9) <= near / far <= high * (1 + 1e-9)


@pytest.mark.parametrize("name", [name for name, row in FOUND.items() if row["above"] > 1e-9])
def test_only_a_set_of_which_the_page_says_so_is_above_its_melting_point(name: str) -> None:
    page = (ROOT / "docs" / "materials.md").read_text(encoding="utf-8")
    assert f"{name} goes above its point in each cycle" in page

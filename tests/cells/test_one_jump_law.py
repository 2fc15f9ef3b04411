"""The jump law is implemented once, in `cells/_jump_law.pyx`; the text that goes into exports does the same.

Each equation of the law is searched for in the sources of the package by its arithmetic, whatever its names.
"""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_ladder import card

from frenkel.analysis.exports import cards as card_exports
from frenkel.analysis.exports.exported_jumps import Jumping
from frenkel.cells._jump_law import JumpKernel, carry_fraction

ROOT = Path(__file__).resolve().parents[2]
KERNEL = "src/frenkel/cells/_jump_law.pyx"
EXPORT = "analysis/exports/exported_jumps.py"
TABLES = {"src/frenkel/cells/pulses.py", "src/frenkel/bench/pulses.py"}
"""Nearest recorded pulses: another model, of measured cells."""

NAME, INDEX = r"[\w.]+", r"\[[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*\]"
LAW = {
    "rate and current between two voltages of the grid": (
        rf"{NAME}\[[^\[\]]*low\]\*\(1(?:\.0)?-({NAME})\)\+{NAME}\[[^\[\]]*low\+1\]\*\1"
    ),
    "voltage across the cell": (
        rf"{NAME}\*{NAME}\[middle\]\+{NAME}\*{NAME}\[middle\]<=|grid\+{NAME}{INDEX}?\*{NAME}{INDEX}"
    ),
    "first passage of the hazard": rf"log1p\(({NAME})\*.{{1,40}}\)/\1",
    "nearest recorded jumps": r"argpartition\(",
    "their weights": rf"exp\(-0\.5\*\(({NAME})-\1\.min\(",
    "fraction that is carried over": (
        r"""carry(?:["']\])?\+\([\w."'\[\]]+-[\w.]*\[?["']?carry["']?\]?\)\*"""
    ),
    "where a jump leads": rf"\(({NAME})\[states?(?:{INDEX}?|,i)\]-\1\[(?:self\.)?before{INDEX}?(?:,i)?\]\)",
    "hazard that is left": (
        rf"hazard(?:_out)?{INDEX}?-=(?:rate\*time|used)|standard_exponential\([^()]*\)/\(rate"
    ),
}
"""Arithmetic of each part of the law, in a text without spaces."""

FORMER = {
    "rate and current between two voltages of the grid": (
        "    return np.asarray(table[rows, low] * (1.0 - share) + table[rows, low + 1] * share)"
    ),
    "voltage across the cell": "dropped = grid + series[behind, None] * steps[states[behind]]",
    "first passage of the hazard": (
        "share = np.where(np.abs(slope) < 1e-9, needed, np.log1p(slope * needed) / slope)"
    ),
    "nearest recorded jumps": "nearest = np.argpartition(square, self.number - 1, axis=1)",
    "their weights": "weight[part] = np.exp(-0.5 * (distance - distance.min(axis=1, keepdims=True)))",
    "fraction that is carried over": (
        "return self.carry + (rest - self.carry) * np.exp(-0.5 * (volts / self.voltage_scale) ** 2)"
    ),
    "where a jump leads": (
        "target = share[kept, None] * (self.marks[states[kept]] - self.marks[before[kept]])"
    ),
    "hazard that is left": "used = rate * time\nhazard[cell] -= used",
}
"""Lines of the four implementations that there were."""


def parts_in(text):
    """Return the parts of the law whose arithmetic a source text holds, without comments."""
    dense = re.sub(r"\s+", "", re.sub(r"#.*", "", text))
    return [part for part, pattern in LAW.items() if re.search(pattern, dense)]


def sources():
    """Return the Python and Cython files of the package, from the root of the repository."""
    folders = [path for path in (ROOT / "src" / "frenkel").iterdir() if path.is_dir()]
    files = [*(ROOT / "src" / "frenkel").glob("*.py")]
    for folder in folders:
        files += [path for ending in ("py", "pyx", "pxd") for path in folder.resolve().rglob(f"*.{ending}")]
    return sorted({path.resolve().relative_to(ROOT).as_posix() for path in files})


def test_one_implementation():
    found = {name: parts_in((ROOT / name).read_text(encoding="utf-8")) for name in sources()}
    assert {name for name, parts in found.items() if parts} == {KERNEL, EXPORT, *TABLES}
    assert all(found[name] == ["nearest recorded jumps"] for name in TABLES)
    assert found[KERNEL] == list(LAW)
    # Cells of an export are held at a voltage of their own: no circuit, no ramp.
    assert set(LAW) - set(found[EXPORT]) == {"voltage across the cell", "first passage of the hazard"}
    assert len(found) > 300


@pytest.mark.parametrize("part", LAW)
def test_a_planted_copy_is_found(part):
    assert parts_in(FORMER[part]) == [part]


# ---------------------------------------------------------------------- the text of exports


def both(made, state=0, number=400, seed=3):
    """Return cells of a card at 341 K, and those of its exported text, of the same seed."""
    arrays = {name.removeprefix("jumps."): values for name, values in card_exports.jump_arrays(made).items()}
    cells = made.jump_cells(number, seed=seed, state=("hrs", "lrs")[state], temperature=341.0)
    return cells, Jumping(arrays, number, seed, state, 341.0)


EDGES = {
    "zero bias": 0.0, "an end of the grid": 1.8, "beyond the grid": 2.6, "below it": -2.6,
    "a voltage of the grid": 0.6, "all voltages": np.linspace(-2.5, 2.5, 400),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:cells were at up to")
@pytest.mark.parametrize("volts", EDGES.values(), ids=EDGES)
@pytest.mark.parametrize(("carry", "rest_carry", "rest_scale"), [(0.0, None, None), (0.9, 0.0, 8.0)])
def test_the_text_of_exports_does_what_the_kernel_does(volts, carry, rest_carry, rest_scale):
    """Equal draws lead to equal states; the parts of the law agree to 1e-12."""
    made = card(carry=carry, rest_carry=rest_carry, rest_scale=rest_scale, neighbours=3)
    for state in (0, 1):
        cells, text = both(made, state)
        kernel = JumpKernel(made.jump_law, made.jump_law.log_rates(341.0))
        at = np.broadcast_to(np.asarray(volts, float), cells.states.shape)
        rates = text._rates(cells.states, at)
        np.testing.assert_allclose(kernel.log_rate(cells.states, at), rates, rtol=1e-12, atol=1e-12)
        points = kernel.points(cells.states, at)
        np.testing.assert_allclose(text._scaled(cells.states, at)[:, : points.shape[1]], points, rtol=1e-12)
        np.testing.assert_allclose(text.marks, kernel.features, rtol=1e-12)
        # In units of the fastest state: a few jumps of each cell.
        fastest = np.exp(-kernel.log_rate(np.arange(3)[:, None], at).max(axis=0))
        for times in (0.0, 1e-300, 0.5, np.geomspace(1e-3, 4.0, 400)):
            cells.hold(volts, times * fastest)
            text.hold(volts, times * fastest)
            assert np.array_equal(cells.states, text.states)
            np.testing.assert_allclose(cells.conductance, text.conductance, rtol=1e-12)
            assert cells.random.bit_generator.state == text.random.bit_generator.state


@pytest.mark.parametrize("rest_carry", [None, 0.0, 1.0])
def test_what_is_carried_is_the_same_in_an_export(rest_carry):
    law = card(carry=0.4, rest_carry=rest_carry).jump_law
    arrays = card_exports.jump_arrays(replace(card(), jump_law=law))
    volts = np.linspace(-2.0, 2.0, 81)
    rest = np.exp(-0.5 * (volts / arrays["jumps.scales"][2]) ** 2)
    share = arrays["jumps.carry"] + (arrays["jumps.rest_carry"] - arrays["jumps.carry"]) * rest
    np.testing.assert_allclose(carry_fraction(law, volts), share, rtol=1e-12)

"""Heat of a crossbar of 5 x 5 cells in two layers by finite elements, independent of frenkel.array.heat.

python validation/thermal_array.py      writes thermal_array.json; needs scikit-fem, some minutes of one core

Quadratic elements on bricks with faces on all interfaces, solved with scikit-fem 12, 10.21105/joss.02369.
Steady temperatures of all 50 cells by the power of three of them; and those of a quarter of the array in time
after the middle cell of the lower layer was switched on, by TR-BDF2 with steps that grow by a tenth.
"""

import json
from pathlib import Path

import numpy as np
from scipy.sparse import diags
from scipy.sparse.linalg import LinearOperator, cg

RECORD = Path(__file__).with_suffix(".json")
LINES, LAYERS = 5, 2
SIZES = {
    "pitch": 80e-9, "line_width": 40e-9, "line_height": 40e-9, "cell_height": 10e-9, "filament": 10e-9,
    "spacer": 40e-9, "base": 200e-9, "cover": 100e-9,
}  # fmt: skip
CONDUCTIVITY = {"line": 50.0, "oxide": 1.0, "insulator": 1.4}  # W/(m K)
CAPACITY = {"line": 2.5e6, "oxide": 2.7e6, "insulator": 1.7e6}  # J/(m3 K)
HEATED = {"middle, lower": (0, 2, 2), "middle, upper": (1, 2, 2), "corner, lower": (0, 0, 0)}
TIMES = np.array([1e-9, 3e-9, 1e-8, 3e-8, 1e-7, 3e-7])  # s


def cuts(intervals: list[tuple[float, int]], start: float = 0.0) -> np.ndarray:
    """Return points from lengths of intervals and the number of bricks in each."""
    points = [start]
    for length, number in intervals:
        points += list(points[-1] + length * np.arange(1, number + 1) / number)
    return np.array(points)


def across(quarter: bool, heated: int) -> np.ndarray:
    """Return the planes across lines, fine at a heated one; a quarter begins in the middle of that line."""
    s = SIZES
    side, gap = (s["line_width"] - s["filament"]) / 2, (s["pitch"] - s["line_width"]) / 2
    near = [(part * s["filament"] / 2, 1) for part in (0.5, 0.3, 0.2)]
    near += [(part * side, 1) for part in (1 / 15, 2 / 15, 4 / 15, 8 / 15)]
    far = [(s["filament"] / 2, 1), (side, 1)]
    intervals = [*near, (gap, 1)] if quarter else []
    for line in range(1 if quarter else 0, LINES // 2 + 1 if quarter else LINES):
        half = near if line == heated and not quarter else far
        intervals += [(gap, 1), *half[::-1], *half, (gap, 1)]
    return cuts(intervals)


def upwards(heated: int) -> np.ndarray:
    """Return the planes from the heat sink up, fine at the cells of a heated layer."""
    s = SIZES
    planes = [(part * s["base"], 1) for part in (0.4, 0.3, 0.15, 0.1, 0.05)]
    for layer in range(LAYERS):
        if layer == heated:
            line = [(part * s["line_height"], 1) for part in (0.5, 0.275, 0.125, 0.0625, 0.0375)]
            half = [(part * s["cell_height"] / 2, 1) for part in (0.5, 0.3, 0.2)]
            planes += [*line, *half[::-1], *half, *line[::-1]]
        else:
            planes += [(s["line_height"], 2), (s["cell_height"], 1), (s["line_height"], 2)]
        planes.append((s["cover"] if layer == LAYERS - 1 else s["spacer"], 2))
    return cuts(planes)


def material(x: np.ndarray, quarter: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return of points (3, ...) material (0 insulator, 1 line, 2 oxide), layer, whether in a filament."""
    s = SIZES
    shift = 0.0 if quarter else s["pitch"] / 2
    off = [np.abs((x[k] - shift + s["pitch"] / 2) % s["pitch"] - s["pitch"] / 2) for k in (0, 1)]
    in_bit, in_word = (one < s["line_width"] / 2 for one in off)
    tall = 2 * s["line_height"] + s["cell_height"] + s["spacer"]
    layer = np.floor((x[2] - s["base"]) / tall)
    up = x[2] - s["base"] - tall * layer
    kind = np.zeros(x[0].shape, int)
    inside = (layer >= 0) & (layer < LAYERS)
    first, second, third = np.cumsum([s["line_height"], s["cell_height"], s["line_height"]])
    kind[inside & (up < first) & in_word] = 1
    kind[inside & (up > second) & (up < third) & in_bit] = 1
    plane = inside & (up > first) & (up < second)
    kind[plane & in_word & in_bit] = 2
    filament = plane & (off[0] < s["filament"] / 2) & (off[1] < s["filament"] / 2)
    return kind, layer, filament


class Elements:
    """Stiffness, mass and filaments of the array, or of a quarter of it."""

    def __init__(self, quarter: bool, heated: tuple[int, int, int]) -> None:
        from skfem import Basis, BilinearForm, ElementHex2, LinearForm, MeshHex
        from skfem.helpers import dot, grad

        layer, word, bit = heated
        mesh = MeshHex.init_tensor(across(quarter, bit), across(quarter, word), upwards(layer))
        basis = Basis(mesh, ElementHex2(), intorder=4)
        x = mesh.p[:, mesh.t].mean(axis=1)
        kind, layer, filament = material(x, quarter)
        kappa, heat = (
            np.array([table[name] for name in ("insulator", "line", "oxide")])[kind][:, None]
            for table in (CONDUCTIVITY, CAPACITY)
        )
        self.stiffness = BilinearForm(lambda u, v, w: w["k"] * dot(grad(u), grad(v))).assemble(
            basis, k=np.broadcast_to(kappa, basis.dx.shape)
        )
        self.mass = BilinearForm(lambda u, v, w: w["c"] * u * v).assemble(
            basis, c=np.broadcast_to(heat, basis.dx.shape)
        )
        shift = 0.0 if quarter else SIZES["pitch"] / 2
        number = [np.round((x[k] - shift) / SIZES["pitch"]).astype(int) for k in (0, 1)]
        self.cells = {}
        lines = LINES // 2 + 1 if quarter else LINES
        for cell in np.ndindex(LAYERS, lines, lines):
            own = filament & (layer == cell[0]) & (number[1] == cell[1]) & (number[0] == cell[2])
            mask = np.broadcast_to(own[:, None].astype(float), basis.dx.shape)
            vector = LinearForm(lambda v, w: w["m"] * v).assemble(basis, m=mask)
            self.cells[cell] = vector / vector.sum()
        bottom = basis.get_dofs(lambda p: p[2] < 1e-15).flatten()
        self.free = np.setdiff1d(np.arange(basis.N), bottom)

    def solver(self, weight: float = 0.0):
        """Return what solves (stiffness + weight mass) x = b on the free nodes."""
        matrix = (self.stiffness + weight * self.mass)[self.free][:, self.free].tocsr()
        inverse = diags(1.0 / matrix.diagonal())
        before = LinearOperator(matrix.shape, matvec=lambda v: inverse @ v)

        def solve(right, start=None):
            found, failed = cg(matrix, right, x0=start, rtol=1e-9, maxiter=20_000, M=before)
            assert not failed
            return found

        return matrix, solve


def steady() -> dict[str, list]:
    """Return the thermal resistances (K/W) of all cells by the power of some."""
    columns = {}
    for name, cell in HEATED.items():
        one = Elements(False, cell)
        theta = one.solver()[1](one.cells[cell][one.free])
        columns[name] = [float(vector[one.free] @ theta) for vector in one.cells.values()]
    return columns


def course() -> dict[str, list]:
    """Return rises (K/W) at `TIMES` of the middle cell, two neighbours and the cell above."""
    one = Elements(True, (0, 0, 0))
    power = one.cells[0, 0, 0][one.free] / 4.0
    seen = {"own": (0, 0, 0), "word line": (0, 0, 1), "bit line": (0, 1, 0), "above": (1, 0, 0)}
    mass = one.mass[one.free][:, one.free]
    stiffness = one.stiffness[one.free][:, one.free]
    gamma = 2.0 - np.sqrt(2.0)
    theta, now, rises = np.zeros(one.free.size), 0.0, {name: [] for name in seen}
    step, solve_of = 2e-11, None
    for end in TIMES:
        while now < end * (1 - 1e-12):
            size = min(step, end - now)
            if solve_of is None or solve_of[0] != size:
                solve_of = size, one.solver(2.0 / (gamma * size))[1]
            solve = solve_of[1]
            # TR-BDF2: a trapezium to gamma h, then the second backward formula; one matrix for both.
            weight = 2.0 / (gamma * size)
            middle = solve(mass @ (weight * theta) - stiffness @ theta + 2.0 * power, theta)
            known = middle / (gamma * (2.0 - gamma)) - theta * (1.0 - gamma) ** 2 / (gamma * (2.0 - gamma))
            theta = solve(weight * (mass @ known) + power, middle)
            now += size
            step *= 1.1
        for name, cell in seen.items():
            rises[name].append(float(one.cells[cell][one.free] @ theta))
    return rises


def main() -> None:
    record = {
        "sizes": SIZES, "conductivity": CONDUCTIVITY, "capacity": CAPACITY, "lines": LINES, "layers": LAYERS,
        "heated": HEATED, "times": TIMES.tolist(), "steady": steady(), "course": course(),
    }  # fmt: skip
    RECORD.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()

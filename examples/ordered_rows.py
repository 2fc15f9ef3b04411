"""Vacancies of TiO2-x that bind along one direction: rows across the film, their current and their life.

python examples/ordered_rows.py      writes ordered_rows.png, ten seconds of one core

Ordered vacancies of rutile conduct where they are neighbours (density functional theory,
doi:10.1109/LED.2010.2091489, abstract read), and a row is the most stable shape of several vacancies in
anatase (Perevalov and Islamov, abstract read). No energy of this order was found, so it is swept; set TiOx
has 0.15 eV a pair, chosen. A material file binds all six neighbours alike; here a neighbour table holds the
pairs along the current alone. Filling is that of Ti4O7, one oxygen in eight, below the percolation threshold
of random sites (0.31). Columns are then independent chains, and the weight of a pattern of a column with n
vacancies and p pairs of neighbours is exp((mu n + E p) / kT), exactly. Rows start in that equilibrium, with
one whole row. Left out: charge of single vacancies, and planes, the form of Magneli phases in a crystal.
"""

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from scipy.optimize import brentq

import frenkel as fk
from frenkel.kinetic.lattice.lattice import Lattice, Motifs
from frenkel.kinetic.lattice.species import OXYGEN, VACANCY
from frenkel.kinetic.lattice_gas import LatticeGas
from frenkel.kinetic.mechanisms.mechanism import Mechanism, PairInteraction
from frenkel.units import BOLTZMANN_EV

SEED, ARRANGEMENTS, ROWS = 1, 48, 24
LAYERS, SIDE = 8, 5  # sites
FILLING, TEMPERATURE = 1 / 8, 358.0  # of Ti4O7; K
BINDINGS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35)  # eV a pair
FOLLOWED = (0.0, 0.15, 0.2, 0.3)  # eV a pair, of rows that are followed in time
EVENTS, LONGEST = 300, 400_000  # a stretch of a run; events of a row

PATTERNS = np.array(list(product((0, 1), repeat=LAYERS)), np.int8)
"""Every pattern of a column; the last one is the whole row."""


@dataclass(frozen=True, slots=True)
class Life:
    """Times (s) of one row: until half of its atoms had left, until it was gone, and while it was whole."""

    atoms: float
    row: float
    whole: float


@cache
def column_law(binding: float, temperature: float = TEMPERATURE) -> np.ndarray:
    """Return the probability of every pattern of a column at the filling, for a binding energy (eV)."""
    count = PATTERNS.sum(axis=1)
    pairs = (PATTERNS[:, 1:] * PATTERNS[:, :-1]).sum(axis=1) * binding / (BOLTZMANN_EV * temperature)

    def weights(potential: float) -> np.ndarray:
        exponent = pairs + potential * count
        found = np.exp(exponent - exponent.max())
        return found / found.sum()

    def excess(potential: float) -> float:
        return float(weights(potential) @ count / LAYERS - FILLING)

    return weights(brentq(excess, -100.0, 100.0))


def arrangement(binding: float, random: np.random.Generator) -> np.ndarray:
    """Return which sites (SIDE^2, LAYERS) hold a vacancy, drawn from equilibrium."""
    return PATTERNS[random.choice(len(PATTERNS), SIDE**2, p=column_law(binding))]


@cache
def device() -> fk.Device:
    """Return a device of set TiOx, whose network conducts."""
    material = fk.Material.load("TiOx")
    spacing = material.lattice.spacing
    return fk.Device(material, LAYERS * spacing, SIDE * spacing, seed=SEED)


def conductance(vacant: np.ndarray) -> float:
    """Return the low-voltage conductance (S) of an arrangement."""
    cell = device()
    species = np.array(cell.engine.species)
    species[: cell.n_hosts] = np.where(vacant.ravel() > 0, VACANCY.code, OXYGEN.code)
    cell.engine.restore(dict(cell.engine.state(), species=species))
    return float(cell.solved(refresh=True).conductance)


def currents(binding: float, count: int) -> np.ndarray:
    """Return the conductance (S) of arrangements, and of their whole rows alone: two columns."""
    random = np.random.default_rng([SEED, round(1000 * binding)])
    found = np.empty((count, 2))
    for k in range(count):
        vacant = arrangement(binding, random)
        whole = vacant.all(axis=1, keepdims=True)
        found[k] = conductance(vacant), conductance(vacant * whole)
    return found


def gas(vacant: np.ndarray, binding: float, seed: int) -> LatticeGas:
    """Return vacancies that hop as in set TiOx and bind along z alone."""
    material = fk.Material.load("TiOx")
    cubic = Lattice.cubic((SIDE, SIDE, LAYERS), material.lattice.spacing)
    nearest = cubic.motifs["nearest"]
    lattice = Lattice(
        shape=cubic.shape,
        spacing=cubic.spacing,
        lateral=cubic.lateral,
        sublattice=cubic.sublattice,
        layer=cubic.layer,
        motifs=Motifs({"nearest": lambda: nearest, "row": lambda: nearest[:, 4:]}),
        lengths={"nearest": cubic.spacing, "row": cubic.spacing},
        make_position=lambda: cubic.position,
    )
    hop = Mechanism(
        "vacancy hop",
        before=(VACANCY, OXYGEN),
        after=(OXYGEN, VACANCY),
        barrier=material.vacancy.migration_barrier,
        attempt_frequency=material.vacancy.attempt_frequency,
    )
    pair = PairInteraction(VACANCY, VACANCY, -binding, motif="row")
    return LatticeGas(lattice, [hop], vacant.ravel(), interactions=[pair], temperature=TEMPERATURE, seed=seed)


def stay() -> float:
    """Return how long (s) a vacancy without neighbours stays on a site of the bulk."""
    one = np.zeros((SIDE**2, LAYERS), np.int8)
    one[0, LAYERS // 2] = 1
    return float(1 / gas(one, 0.0, SEED).rates().sum())


def follow(binding: float, seed: int) -> Life:
    """Follow a whole row among vacancies in equilibrium until half of its sites are empty."""
    vacant = arrangement(binding, np.random.default_rng([SEED, seed])).copy()
    vacant[0] = 1
    box = gas(vacant, binding, seed)
    filled, own = vacant.ravel() > 0, np.zeros(vacant.size, bool)
    own[:LAYERS] = True
    atoms, whole, before = np.inf, 0.0, 0.0
    while box.events < LONGEST:
        for time, _, _, a, b in box.hold(EVENTS / box.rates().sum(), log=True).log:
            whole += (time - before) * filled[:LAYERS].all()
            before = time
            for of in (filled, own):
                of[a], of[b] = of[b], of[a]
            if own[:LAYERS].sum() <= LAYERS // 2:
                atoms = min(atoms, time)
            if filled[:LAYERS].sum() <= LAYERS // 2:
                return Life(atoms, time, whole)
    raise RuntimeError(f"the row of seed {seed} at {binding:g} eV stands after {LONGEST} events")


def measure(arrangements: int = ARRANGEMENTS, rows: int = ROWS) -> tuple[dict, dict]:
    """Return conductances and lives by binding energy (eV)."""
    flows = {binding: currents(binding, arrangements) for binding in BINDINGS}
    lives = {binding: [follow(binding, seed) for seed in range(SEED, SEED + rows)] for binding in FOLLOWED}
    return flows, lives


def carried(flow: np.ndarray) -> tuple[float, float]:
    """Return the fraction of the mean conductance that whole rows alone have, and its standard error."""
    total, rows = flow.T
    share = rows.sum() / total.sum()
    left = rows - share * total
    return float(share), float(left.std(ddof=1) / np.sqrt(len(flow)) / total.mean())


def words(found: tuple[dict, dict]) -> dict[str, str]:
    """Return results as sentences."""
    flows, lives = found
    random = flows[0.0][:, 0].mean()
    parts = []
    for binding in FOLLOWED[1:]:
        share, error = carried(flows[binding])
        gain = flows[binding][:, 0].mean() / random
        parts.append(f"{share:.2f} ± {error:.2f} at {binding:g} eV a pair (G {gain:.2g} times that at 0 eV)")
    ages = []
    for binding in FOLLOWED:
        ratio = np.log10([one.row / stay() for one in lives[binding]])
        outlast = np.mean([one.row > one.atoms for one in lives[binding]])
        count = len(ratio)
        ages.append(
            f"{binding:g} eV: 10^({ratio.mean():.2f} ± {ratio.std(ddof=1) / np.sqrt(count):.2f}) stays, "
            f"{outlast:.2f} ± {np.sqrt(outlast * (1 - outlast) / count):.2f} of {count} rows outlast half of "
            "their atoms"
        )
    return {
        "current": "fraction of the current in whole rows " + ", ".join(parts),
        "life": f"life of a row at {TEMPERATURE:g} K in stays of a single vacancy: {'; '.join(ages)}",
    }


def draw(found: tuple[dict, dict], path: str) -> None:
    """Draw an arrangement with and without order, the current in rows, and lives."""
    flows, lives = found
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 4, figsize=(14, 3.8), layout="constrained")
    for panel, binding in zip(panels[:2], (FOLLOWED[0], FOLLOWED[-1]), strict=True):
        vacant = arrangement(binding, np.random.default_rng(SEED))
        panel.imshow(vacant.T, origin="lower", cmap="Greys", aspect="auto", interpolation="nearest")
        panel.set(title=f"{binding:g} eV a pair", xlabel="column", ylabel="layer")
    shares = np.array([carried(flows[binding]) for binding in BINDINGS])
    panels[2].errorbar(BINDINGS, shares[:, 0], shares[:, 1], marker="o", capsize=2, label="fraction in rows")
    panels[2].set(xlabel="binding / (eV a pair)", ylabel="fraction of G in whole rows", ylim=(0, 1))
    other = panels[2].twinx()
    other.semilogy(BINDINGS, [flows[b][:, 0].mean() * 1e6 for b in BINDINGS], "C1s--", label="conductance")
    other.set_ylabel("mean conductance / uS", color="C1")
    for k, binding in enumerate(FOLLOWED):
        found = lives[binding]
        panels[3].loglog(
            [one.atoms for one in found], [one.row for one in found], "o", color=f"C{k}", ms=4,
            label=f"{binding:g} eV, whole for {np.mean([one.whole / one.row for one in found]):.2f}",
        )  # fmt: skip
    limits = np.array(panels[3].get_xlim())
    panels[3].plot(limits, limits, "k:", lw=1)
    panels[3].axvline(stay(), color="k", lw=1)
    panels[3].set(xlabel="half of its atoms have left / s", ylabel="row gone / s")
    panels[3].legend(fontsize=7)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    found = measure()
    draw(found, "ordered_rows.png")
    print("\n".join(words(found).values()))

"""Disturb by heat in a crossbar: how far the heat of pulses reaches, and how many a neighbour survives.

python examples/array_heat.py      writes array_heat.png

A cell in an endless crossbar takes pulses of a power P. Its neighbours are warmer by R(d) P, with the thermal
resistances R of the geometry (`frenkel.array.heat`), for each pitch; lines and gaps scale with the pitch, the
cell does not. Pulses follow each other without a pause, so that the steady rise counts.

A neighbour in HRS of the card hfo2 feels a third of the voltage meanwhile. Its states s leave at rates
r_s(V/3, T), with ln r linear in 1/T beyond the 358 K to which the card was read, and with a probability q_s
to one of at least twice the conductance. After k pulses of a width w the fraction

    P(k) = mean over states of q_s (1 - exp(-k w r_s(V/3, T + R(d) P)))                                   (1)

has doubled by its first jump; what takes two jumps is of a higher order in k. States that a RESET leaves but
that are left within a millisecond at 0 V, or within one pulse at V/3, are left out: cells are verified after
a first pulse. Splitting (`frenkel tails --card`)
gives all paths, down to P of about one in its particles, since one jump is a single step of the score.
Sizes, conductivities and power are round numbers, none is fitted.
"""

from dataclasses import replace

import numpy as np
from scipy.optimize import brentq

from frenkel.analysis.plots import colours
from frenkel.array.heat.geometry import CrossbarGeometry, HeatMaterial
from frenkel.cells import files
from frenkel.cells.card import Card
from frenkel.cells.jump_cells import kernel_at
from frenkel.cells.jumps import JumpLaw
from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.waveform import Waveform
from frenkel.rare.cards import card_tails
from frenkel.rare.events import Question
from frenkel.rare.splitting import Estimate
from frenkel.rare.tails import estimate

NM = 1e-9
PITCHES = np.array([20.0, 40.0, 80.0, 160.0]) * NM
REACH, BEYOND = 3, 20.0  # lines of the window on each side; pitches for which the array goes on around it
AMPLITUDE, LIMIT, WIDTH = 1.1, 30e-6, 50e-9  # V, A, s
POWER = AMPLITUDE * LIMIT  # W
AMBIENT, FRACTION = 300.0, 1e-6  # K; of neighbours that are disturbed
PART, SETTLED, DRAWS = 1.0 / 3.0, 1e-3, 100  # of the voltage over a neighbour; s; next states of each state
MATERIALS = {
    "line": HeatMaterial(conductivity=50.0, capacity=2.5e6),
    "oxide": HeatMaterial(conductivity=1.0, capacity=2.7e6),
    "insulator": HeatMaterial(conductivity=1.4, capacity=1.7e6),
}


def geometry(pitch: float, side: int = REACH + 1) -> CrossbarGeometry:
    """Return the crossbar of a pitch (m)."""
    return CrossbarGeometry(
        shape=(side, side), pitch=pitch, line_width=0.5 * pitch, line_height=0.5 * pitch,
        cell_height=5 * NM, filament=5 * NM, spacer=0.5 * pitch, base=200 * NM, cover=100 * NM, **MATERIALS,
    )  # fmt: skip


def resistances(pitch: float) -> np.ndarray:
    """Return the rise by the power of the cell at (0, 0) (K/W), by word and bit lines from it."""
    network = geometry(pitch).network((0, 0, 0), mirrored=True, beyond=BEYOND * pitch)
    # A quarter of the array has a quarter of the power.
    return 0.25 * network.steady(np.array([0]))[:, 0].reshape(REACH + 1, REACH + 1)


def settled() -> JumpLaw:
    """Return the model of the card, whose cells start in HRS states that last."""
    law = Card.load(files.file("hfo2")).jump_law
    assert law is not None
    states = law.end_states("hrs")
    at_rest = np.exp(kernel_at(law, AMBIENT).log_rate(states, np.zeros(states.size)))
    kind = law.kind.copy()
    kind[states[(at_rest > 1.0 / SETTLED) | (rates(law, AMBIENT) > 1.0 / WIDTH)]] = -1
    return replace(law, kind=kind)


def doubles(law: JumpLaw) -> np.ndarray:
    """Return the probabilities that HRS states double by a jump, with the next states of the ambient."""
    states, kernel = law.end_states("hrs"), kernel_at(law, AMBIENT)
    volts, random = np.full(states.size, PART * AMPLITUDE), np.random.default_rng(1)
    edge = law.level[states] + np.log(2.0)
    met = [law.level[kernel.next_states(states, volts, random)] >= edge for _ in range(DRAWS)]
    return np.mean(met, axis=0)


def rates(law: JumpLaw, temperature: float) -> np.ndarray:
    """Return the rates (1/s) at which HRS states leave."""
    states = law.end_states("hrs")
    return np.exp(kernel_at(law, temperature).log_rate(states, np.full(states.size, PART * AMPLITUDE)))


def disturbed(leaving: np.ndarray, doubling: np.ndarray, number: float) -> float:
    """Return the fraction of cells that a number of pulses has disturbed, equation (1)."""
    return float(np.mean(doubling * -np.expm1(-leaving * number * WIDTH)))


def pulses(leaving: np.ndarray, doubling: np.ndarray, fraction: float = FRACTION) -> float:
    """Return the number of pulses that disturb a fraction of cells."""

    def excess(log_number: float) -> float:
        return float(np.log(disturbed(leaving, doubling, np.exp(log_number)) / fraction))

    return float(np.exp(brentq(excess, -50.0, 90.0)))


def split(law: JumpLaw, temperature: float, number: float, starts: int = 400, repeats: int = 4) -> Estimate:
    """Return the probability that a number of pulses doubles the conductance of an HRS cell, by splitting."""
    question = Question(
        event="read disturbs",
        share=2.0,
        particles=starts,
        kill=max(starts // 10, 1),
        starts=starts,
        floor=1e-9,
    )
    waveform = Waveform.constant(PART * AMPLITUDE, number * WIDTH)
    return estimate(
        card_tails(law, waveform, Circuit(), question, temperature=temperature, repeats=repeats, seed=1)
    )


def measure() -> tuple[np.ndarray, np.ndarray, float]:
    """Return resistances (K/W) by pitch and place, pulses by pitch and distance, and pulses without heat."""
    law = settled()
    doubling = doubles(law)
    thermal = np.array([resistances(pitch) for pitch in PITCHES])
    along = thermal[:, 0, 1:] * POWER + AMBIENT
    counts = np.array([[pulses(rates(law, kelvin), doubling) for kelvin in row] for row in along])
    return thermal, counts, pulses(rates(law, AMBIENT), doubling)


def draw(thermal: np.ndarray, counts: np.ndarray, cold: float, path: str) -> None:
    """Draw rises against the distance, and pulses that disturb against the pitch."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    away = np.arange(REACH + 1)
    for pitch, of_pitch, colour in zip(PITCHES, thermal, colours.SERIES, strict=False):
        name = f"pitch {pitch / NM:g} nm"
        left.semilogy(away, of_pitch[0] * POWER, "o-", color=colour, label=name)
        left.semilogy(away, of_pitch[:, 0] * POWER, "x:", color=colour)
        left.semilogy(np.sqrt(2.0) * away[1:], np.diag(of_pitch)[1:] * POWER, "+", color=colour)
    left.set(xlabel="distance / pitches", ylabel=f"rise at {1e6 * POWER:.0f} µW / K",
             title="o along the word line, x the bit line, + diagonal")  # fmt: skip
    left.legend(fontsize=8)
    for k, colour in enumerate(colours.SERIES[4 : 4 + REACH]):
        right.loglog(PITCHES / NM, counts[:, k], "o-", color=colour, label=f"neighbour {k + 1}")
    right.axhline(cold, color="0.4", ls="--", lw=1, label="without heat")
    right.set(xlabel="pitch / nm", ylabel=f"pulses that disturb {FRACTION:g} of the cells")
    right.set_xticks(PITCHES / NM, [f"{pitch / NM:g}" for pitch in PITCHES])
    right.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
    right.legend(fontsize=8)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure, draw and print."""
    thermal, counts, cold = measure()
    draw(thermal, counts, cold, "array_heat.png")
    print(f"without heat {cold:.2g} pulses")
    for pitch, of_pitch, number in zip(PITCHES, thermal, counts, strict=True):
        rise = ", ".join(f"{one * POWER:.1f}" for one in of_pitch[0])
        print(f"{pitch / NM:g} nm: rise {rise} K; pulses {', '.join(f'{one:.2g}' for one in number)}")
    law, kelvin = settled(), AMBIENT + float(thermal[0, 0, 1]) * POWER
    for number in (1e8, 1e10):
        found = split(law, kelvin, number)
        print(
            f"{kelvin:.0f} K, {number:g} pulses: by splitting {found.probability:.2g} ({found.low:.2g} to "
            f"{found.high:.2g}), by the first jump {disturbed(rates(law, kelvin), doubles(law), number):.2g}"
        )


if __name__ == "__main__":
    main()

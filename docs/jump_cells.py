"""From an ensemble of kinetic devices to a card, a circuit and an array: python docs/jump_cells.py [FOLDER]

Some minutes on one core: cells of the passive array flicker at 1 V. Reads examples/ensemble_cycles.nc, which
`frenkel run` made of the .toml beside it, for the cycle model, and the packaged card for the jump-process
model of circuit and array.
Writes the card, the circuit and four pictures to FOLDER; without it only the pictures, beside this file.
Needs the extra "fit"; the circuit is simulated where ngspice is installed.
"""

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

import frenkel as fk
from frenkel.analysis.exports import cards as card_exports
from frenkel.analysis.fitting.observations import Observations, from_dataset
from frenkel.analysis.plots import card as card_plot
from frenkel.analysis.plots.colours import DATA, HRS, LRS, MODEL
from frenkel.array.columns import TransistorArray
from frenkel.array.crossbar import Crossbar
from frenkel.array.crosspoint import OneTransistorOneResistor, Transistor
from frenkel.array.lines.network import Lines
from frenkel.cells.card import Card
from frenkel.cells.jumping_cells import JumpingCardCells
from frenkel.cli import main as cli
from frenkel.experiment.ensemble_file import open_ensemble

DOCS = Path(__file__).resolve().parent
EXAMPLES = DOCS.parent / "examples"


def walk(folder: Path, pictures: Path) -> None:
    """Go the whole way, one picture a step."""
    # 1. The kinetic devices: what each showed in each of its cycles.
    with open_ensemble(EXAMPLES / "ensemble_cycles.nc") as ensemble:
        cycles = from_dataset(ensemble)
    # 2. The cycle model: fitted to 70 % of the devices, judged by the others.
    path = folder / "cycles.card.json"
    cli.main(["fit", str(EXAMPLES / "ensemble_cycles.nc"), "-o", str(path), "--bootstrap", "0", "--force"])
    card = Card.load(path)
    _, held_out = cycles.split(0.7, seed=0)
    devices, number, _ = held_out.values.shape
    drawn = observed_like(held_out, card.sample(devices, number, seed=1))
    save(picture_of_cycles(held_out, drawn), pictures / "walk_cycles.png")
    kinetic = cycle_kinetic_device(8)
    # 3. The circuit: cells of the jump-process model as subcircuits, cycled on the ramps of the ensemble.
    jumps = Card.load("hfo2")
    simulated = cycle_in_ngspice(jumps, folder, 8)
    save(card_plot.page(card, held_out, kinetic, drawn=simulated), pictures / "walk_law.png")
    save(picture_of_ramps(kinetic, simulated), pictures / "walk_ngspice.png")
    # 4. The array: cells of the same law hold a pattern, between lines and with transistors.
    wanted = ring(32)
    arrays = {
        "passive, V/2": write_passive(jumps, wanted),
        "with transistors": write_transistors(jumps, wanted),
    }
    save(picture_of_arrays(wanted, arrays), pictures / "walk_array.png")
    for name, ohms in arrays.items():
        print(f"{name}: {np.mean((ohms < THRESHOLD) != wanted):.1%} of the bits are wrong")


# ---------------------------------------------------------------------------------------------- the law


def observed_like(held_out: Observations, drawn: dict[str, np.ndarray]) -> Observations:
    """Return draws of a card in the form of observations."""
    values = [feature.forward(drawn[feature.name]) for feature in held_out.features]
    return Observations(held_out.features, np.stack(values, axis=2), "card")


def picture_of_cycles(one: Observations, other: Observations) -> Figure:
    """Draw resistances against the cycle for three devices, and the distribution of each device."""
    page = Figure(figsize=(10, 6.4), layout="constrained")
    axes = page.subplots(2, 2, sharey="row")
    for column, (title, data) in enumerate((("kinetic devices", one), ("card", other))):
        for i, name in ((0, "hrs"), (1, "lrs")):
            ohms = np.exp(data.values[:, :, data.names.index(name)])
            for device, shade in zip(ohms[:3], (1.0, 0.6, 0.35), strict=True):
                axes[0, column].semilogy(
                    np.arange(1, device.size + 1),
                    device,
                    ".-",
                    ms=3,
                    lw=0.5,
                    color=(HRS, LRS)[i],
                    alpha=shade,
                )
            for device in ohms:
                found = np.sort(device[np.isfinite(device)])
                share = (np.arange(found.size) + 0.5) / found.size
                axes[1, column].plot(share, found, lw=0.5, color=(HRS, LRS)[i], alpha=0.4)
        axes[1, column].set_yscale("log")
        axes[0, column].set(title=title, xlabel="cycle")
        axes[1, column].set(xlabel="fraction of the cycles of a device below")
    for row in axes:
        row[0].set_ylabel("HRS (blue) and LRS / ohm")
    return page


# ------------------------------------------------------------------------------------------- the circuit


def cycle_kinetic_device(number: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return voltage (V) and current (A) of the cycles of the first device of the ensemble."""
    asked = fk.read_configuration(EXAMPLES / "ensemble_cycles.toml", [f"phase.1.repeat={number}"])
    result = fk.run(asked)
    turns = result["phase_cycle"].values[result["phase"].values]
    volts, amperes = result["source_voltage"].values, result["current"].values
    return [(volts[turns == c], amperes[turns == c]) for c in range(1, number + 1)]


DECK = """cells of a jump-process model, one after another on the ramps of the ensemble
.include cells.sub
{cells}
vsource s 0 pwl({ramps})
.options reltol=1e-4
.control
tran {step} {stop} 0 {step}
set wr_singlescale
wrdata cells.txt {columns}
quit
.endc
.end
"""
CELL = """bload{i} s p{i} i={{v(s,p{i}) > 0 ? 30u*tanh(v(s,p{i})/0.225) : v(s,p{i})/7.5k}}
vamp{i} p{i} q{i} 0
xcell{i} q{i} 0 frenkel_jumps_{i} lnmax=17"""
"""Behind 7.5 kohm, and at 30 uA where the voltage is positive, as in the ensemble. Steps take 40 ns at least,
4 mV of the ramp: at the rates of a cascade ngspice found its step too small, `reltol` from 1e-3 to 1e-5."""


def cycle_in_ngspice(card: Card, folder: Path, number: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the same of one cycle of some cells in ngspice, an empty list where it is not installed."""
    draws = card_exports.ExportDraws(devices=number, cycles=2, seed=2)
    card_exports.export(card, "jumps-ngspice", folder / "cells.sub", force=True, draws=draws)
    legs = np.cumsum([0.0, 35e-6, 35e-6, 14e-6, 14e-6])  # s, at 0.1 MV/s
    ramps = " ".join(f"{t:g} {v:g}" for t, v in zip(legs, (0.0, 3.5, 0.0, -1.4, 0.0), strict=True))
    deck = DECK.format(
        cells="\n".join(CELL.format(i=i) for i in range(number)),
        ramps=ramps,
        step=5e-9,
        stop=legs[-1],
        columns="v(s) " + " ".join(f"i(vamp{i})" for i in range(number)),
    )
    (folder / "cells.cir").write_text(deck, encoding="utf-8")
    program = shutil.which("ngspice")
    if program is None:
        print("ngspice is not installed: the circuit is written, not simulated")
        return []
    subprocess.run([program, "-b", "cells.cir"], cwd=folder, capture_output=True, timeout=120, check=False)
    times, volts, *amperes = np.loadtxt(folder / "cells.txt").T
    if times[-1] < 0.999 * legs[-1]:
        raise RuntimeError(f"ngspice ended at {times[-1]:.3g} of {legs[-1]:.3g} s: its step was too small")
    # A logarithm has no 0: the pictures leave out what is near it.
    return [(volts, np.where(np.abs(volts) < 0.05, np.nan, one)) for one in amperes]


def picture_of_ramps(*runs: list[tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Draw current against voltage of every cycle, on logarithmic axes."""
    page = Figure(figsize=(10, 4), layout="constrained")
    axes = page.subplots(1, 2, sharex=True, sharey=True)
    for one, title, cycles in zip(
        axes, ("kinetic device, eight cycles", "eight cells of the card in ngspice"), runs, strict=True
    ):
        for volts, amperes in cycles:
            amps = np.where(amperes == 0, np.nan, np.abs(amperes))  # at 0 V: no logarithm
            one.semilogy(volts, amps, lw=0.6, color=DATA if one is axes[0] else MODEL, alpha=0.7)
        one.set(title=title, xlabel="source voltage / V", ylim=(1e-9, 1e-4))
    axes[0].set_ylabel("|current| / A")
    return page


# --------------------------------------------------------------------------------------------- the array

THRESHOLD = 200e3
"""Between a 1 (LRS) and a 0 (HRS) [ohm]."""


def ring(size: int) -> np.ndarray:
    """Return the pattern to write: a ring of ones."""
    x, y = np.meshgrid(*[np.linspace(-1, 1, size)] * 2)
    return np.abs(np.hypot(x, y) - 0.65) < 0.15


def write_passive(card: Card, wanted: np.ndarray) -> np.ndarray:
    """Write a pattern into a passive crossbar, unselected lines at half the voltage; return what it holds."""
    cells = JumpingCardCells.from_card(card, wanted.shape, seed=3)
    lines = Lines(shape=wanted.shape, word_resistance=2.0, bit_resistance=2.0, bit_source_resistance=7.5e3)
    array = Crossbar(cells, lines)
    for cell in np.argwhere(wanted):
        array.pulse((int(cell[0]), int(cell[1])), 1.0, 1e-6)
    array.finish()
    return 0.1 / cells.current(np.full(wanted.shape, 0.1))[0]


def write_transistors(card: Card, wanted: np.ndarray) -> np.ndarray:
    """Write the pattern where every cell has a transistor, and read every cell between the lines."""
    cells = JumpingCardCells.from_card(card, wanted.shape, seed=3)
    gate = Transistor(threshold=0.4, gain=2e-4)
    array = TransistorArray(cells, OneTransistorOneResistor(transistor=gate), gate_on=0.95)
    for cell in np.argwhere(wanted):
        array.pulse((int(cell[0]), int(cell[1])), 1.8, 1e-6)
    # A row at a time: its gate on, all columns at the read voltage.
    gates = 3.0 * np.eye(len(wanted))
    return np.array([0.1 / array.column_currents(gate, 0.1) for gate in gates])


def picture_of_arrays(wanted: np.ndarray, arrays: dict[str, np.ndarray]) -> Figure:
    """Draw the resistance of every cell, and its distribution for zeros and ones."""
    page = Figure(figsize=(10, 7), layout="constrained")
    axes = page.subplots(2, len(arrays))
    bins = np.geomspace(5e3, 1e9, 80)
    for column, (name, ohms) in enumerate(arrays.items()):
        shown = axes[0, column].imshow(np.log10(ohms), cmap="viridis", vmin=4.0, vmax=7.5)
        axes[0, column].set(title=name, xlabel="bit line", ylabel="word line")
        page.colorbar(shown, ax=axes[0, column], label="log10(resistance / ohm)")
        for bit, colour in ((False, HRS), (True, LRS)):
            axes[1, column].hist(ohms[wanted == bit], bins, color=colour, alpha=0.7, label=f"written {bit:d}")
        axes[1, column].axvline(THRESHOLD, color="0.4", lw=0.8)
        axes[1, column].set(xscale="log", xlabel="resistance read at 0.1 V / ohm", ylabel="cells")
    axes[1, 0].legend(fontsize=8)
    return page


def save(page: Figure, path: Path) -> None:
    """Save a picture."""
    image = io.BytesIO()
    page.savefig(image, dpi=110, format="png")
    Image.open(image).convert("RGB").save(path, optimize=True)
    print(f"drew {path.name}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        walk(Path(sys.argv[1]), Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as name:
            walk(Path(name), DOCS)

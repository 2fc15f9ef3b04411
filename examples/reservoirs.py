"""Reservoirs of volatile cells on the clock: Henon map, NARMA-10 and spoken vowels.

python examples/reservoirs.py [--repeats 10] [TASK ...]      writes reservoirs.nc and reservoirs.png
python examples/reservoirs.py --card volatile.card.json      Henon map by cells of a card that forget

An input is multiplied by a mask of +-1 of several lengths of a pulse, another one for each cell, and mapped
onto pulse voltages; the currents of all cells at the ends of all pulses of a step are the state of the
reservoir, and a linear least-squares readout of that state is the only thing that is trained. Mask length,
number of cells and voltages are those of a measured system of TiOx/TaOy cells, with its error of the Henon
map (Zhong et al., doi:10.1038/s41467-020-20692-1).

The cell is the one which that group fitted to its measured I-V loop (github.com/Tsinghua-LEMON-Lab/
Reservoir-computing). After a pulse of a voltage V its state is

    G' = r G + (1 - r) G0 + u (s - G),    u = a |V| / (1 + a |V|),    s = 1 above 0 V, else 0,            (1)

and its current G K V^3. Here G is the fraction of n two-state channels that conduct, a jump process: each
forgets at a rate -ln(r) / width towards G0, and is driven to s by the voltage, such that (1) is its mean.
A cell of n channels has n + 1 levels, and (1) itself is the limit of many. Decay times of cells scatter by a
log-normal factor; each current that is read has a relative Gaussian noise. Levels, scatter and noise are the
axes of the map, none is fitted, and no number is chosen for a small error.

Spoken vowels: speakers of the Japanese vowels (UCI), if the package aeon, which contains them, is installed.
"""

import argparse
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import simpy
import xarray as xr
from scipy import stats

from frenkel import checks
from frenkel.analysis.plots import colours
from frenkel.cells.card import Card
from frenkel.cells.interface import Where, pick
from frenkel.events.clock import Clock, EnergyMeter, Station
from frenkel.events.controller import Timing

SEED, REPEATS = 1, 10
CELLS, MASK = 25, 4
LOWEST, HIGHEST = -0.8, 2.5  # V
WIDTH = 1e-6  # s, chosen: only its ratio to the decay time counts
KEPT, RESTING, GAIN = 0.99, 0.5, 0.23  # r, G0, a (1/V) of equation (1)
FORWARD, BACKWARD = 9.13e-6, 0.32e-6  # K above and below 0 V (A/V^3)
TRAIN = TEST = 1000  # steps
FIRST = 20  # steps after a change of the input that are left out
PUBLISHED = 0.046
SPREADS = (0.0, 0.3, 1.0)  # standard deviation of ln(decay time)
CHANNELS = (16, 256, 4096, 65536, 0)  # of a cell; 0: many
NOISES = (0.0, 0.0003, 0.001, 0.01)  # of a current that is read, relative
PAUSE = 1e-3  # s, between words
CARD_ENDS, CARD_NOISE = (-0.1, 0.6), 0.001  # V, chosen below the voltages that were measured; of a read
CARD_WIDTHS = (1e-7, 1e-6, 1e-5)  # s: the filament decays within 10 us to 1 ms
DRIVER = {"series": 1e3, "limit": 5e-6}  # ohm, A: those of the devices of the card
TASKS = ("henon", "narma", "vowels")


class VolatileCells:
    """Cells of two-state channels that forget, equation (1).

    Parameters
    ----------
    shape : tuple of int
        Numbers of word and bit lines.
    seed : int
        0 or more.
    channels : int
        Of a cell; 0 for many, whose fraction is its mean.
    spread : float
        Standard deviation of ln(decay time) among cells.

    Attributes
    ----------
    fraction : ndarray of shape (m, n)
        Of the channels that conduct.
    """

    scale, temperature, temperature_rise = np.inf, 300.0, None

    def __init__(self, shape: tuple[int, int], seed: int, *, channels: int = 0, spread: float = 0.0) -> None:
        self.shape, self.channels = shape, channels
        self._random = np.random.default_rng(seed)
        times = np.exp(spread * self._random.standard_normal(shape))
        self.kept = KEPT ** (1.0 / times)
        self.fraction = np.full(shape, RESTING)
        if channels:
            self.fraction = self._random.binomial(channels, self.fraction) / channels

    def sinh_law(self, where: Where = None) -> None:
        """Return that the current is no hyperbolic sine."""
        return

    def current(self, voltage: np.ndarray, where: Where = None) -> tuple[np.ndarray, np.ndarray]:
        """Return current (A) and slope (S)."""
        factor = pick(self.fraction, where) * np.where(np.asarray(voltage) > 0.0, FORWARD, BACKWARD)
        return factor * voltage**3, 3.0 * factor * voltage**2

    def apply(self, voltage: np.ndarray, duration: float, where: Where = None) -> None:
        """Hold a voltage (V) for a duration (s)."""
        checks.at_least("duration", duration, 0, "s")
        volts = checks.spread("voltage", voltage, np.shape(pick(self.fraction, where)))
        kept, driven = pick(self.kept, where), GAIN * np.abs(volts) / (1.0 + GAIN * np.abs(volts))
        # Each channel relaxes to the probability p, of which it misses the part ``left`` of a pulse before.
        left = (kept - driven) ** (duration / WIDTH)
        p = ((1.0 - kept) * RESTING + driven * (volts > 0.0)) / (1.0 - kept + driven)
        fraction = pick(self.fraction, where)
        if self.channels:
            on = np.rint(fraction * self.channels).astype(int)
            stay = self._random.binomial(on, p + (1.0 - p) * left)
            new = (stay + self._random.binomial(self.channels - on, p * (1.0 - left))) / self.channels
        else:
            new = p + (fraction - p) * left
        self.fraction[... if where is None else where] = new

    def rest(self, duration: float) -> None:
        """Let time (s) pass at 0 V."""
        self.apply(np.zeros(self.shape), duration)


class CardCells:
    """Cells of a card's jump-process model, each behind a driver with a resistance and a limit.

    Parameters
    ----------
    card : Card
        Of an ensemble of volatile devices, such as examples/ensemble_volatile.toml.
    shape : tuple of int
        Numbers of word and bit lines.
    seed : int
        0 or more.
    """

    scale, temperature, temperature_rise = np.inf, 300.0, None

    def __init__(self, card: Card, shape: tuple[int, int], seed: int) -> None:
        self.shape, self.cells = shape, card.jump_cells(shape[0] * shape[1], seed)

    def current(self, voltage: np.ndarray) -> tuple[np.ndarray, None]:
        """Return current (A) behind the driver, and no slope."""
        volts = np.broadcast_to(voltage, self.shape).ravel()
        return self.cells.current(volts, **DRIVER).reshape(self.shape), None

    def apply(self, voltage: np.ndarray, duration: float) -> None:
        """Hold the driver at a voltage (V) for a duration (s)."""
        self.cells.hold(np.broadcast_to(voltage, self.shape).ravel(), duration, **DRIVER)

    def rest(self, duration: float) -> None:
        """Let time (s) pass at 0 V."""
        self.apply(np.zeros(self.shape), duration)


class Reservoir:
    """Cells with a driver each and one converter for all, on a clock.

    Parameters
    ----------
    cells : VolatileCells or CardCells
        Each row is a reservoir of its own.
    width : float
        Of a pulse (s).

    Attributes
    ----------
    clock : Clock
    meter : EnergyMeter
        Of the cells and of the converter, of all rows (J).
    """

    def __init__(self, cells: VolatileCells | CardCells, width: float = WIDTH) -> None:
        self.cells, self.clock, self.meter, modelled = cells, Clock(), EnergyMeter(), Timing()
        self.width = width
        rows, columns = cells.shape
        self._columns = columns
        self._converter = Station(
            self.clock, "converter", latency=modelled.converter_latency,
            energy=rows * modelled.converter_energy, meter=self.meter,
        )  # fmt: skip

    def states(self, voltages: np.ndarray) -> np.ndarray:
        """Return currents (A) at the ends of pulses (V): both of shape (pulses, rows, cells)."""
        found = np.empty(np.broadcast_shapes(voltages.shape, (len(voltages), *self.cells.shape)))
        self.clock.run(self.clock.process(self._pulses(voltages, found)))
        return found

    def pause(self, duration: float) -> None:
        """Let time (s) pass without pulses."""
        self.cells.rest(duration)
        self.clock.run(self.clock.rest(duration))

    def _pulses(self, voltages: np.ndarray, found: np.ndarray) -> Iterator[simpy.Event]:
        for volts, current in zip(voltages, found, strict=True):
            self.cells.apply(volts, self.width)
            yield self.clock.rest(self.width)
            current[...] = self.cells.current(volts)[0]
            self.meter.add("cells", float(np.sum(volts * current)) * self.width)
            self.clock.process(self._converter.use(count=self._columns))


def masked(
    inputs: np.ndarray, masks: np.ndarray, train: int, ends: tuple[float, float] = (LOWEST, HIGHEST)
) -> np.ndarray:
    """Return pulse voltages (pulses, rows, cells), the range of a number of first steps being that of pulses.

    Parameters
    ----------
    inputs : ndarray of shape (steps, rows, channels)
    masks : ndarray of shape (rows, channels, cells, length)
    train : int
        Number of first steps.
    ends : tuple of float
        Lowest and highest voltage of a pulse (V).
    """
    mixed = np.einsum("trc,rcnl->tlrn", inputs, masks)
    low, high = mixed[:train].min(), mixed[:train].max()
    steps, length, rows, cells = mixed.shape
    scaled = ends[0] + (mixed - low) * (ends[1] - ends[0]) / (high - low)
    return scaled.reshape(steps * length, rows, cells)


def by_step(currents: np.ndarray) -> np.ndarray:
    """Return states of each step (rows, steps, cells x mask) from currents of each pulse."""
    pulses, rows, cells = currents.shape
    return np.moveaxis(currents.reshape(pulses // MASK, MASK, rows, cells), 2, 0).reshape(
        rows, pulses // MASK, MASK * cells
    )


def with_constant(states: np.ndarray) -> np.ndarray:
    """Return states in units of their largest and a column of ones."""
    largest = np.abs(states).max() or 1.0
    return np.column_stack([states / largest, np.ones(len(states))])


def nrmse(states: np.ndarray, targets: np.ndarray, train: int) -> float:
    """Return the error, over the deviation of the targets, after a number of steps on which it is trained."""
    scaled = with_constant(states)
    weights = np.linalg.lstsq(scaled[FIRST:train], targets[FIRST:train], rcond=None)[0]
    missed = scaled[train + FIRST :] @ weights - targets[train + FIRST :]
    return float(np.sqrt(np.mean(missed**2) / np.var(targets[train + FIRST :])))


def henon(steps: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs x(n) and targets x(n + 1) = 1 - 1.4 x(n)^2 + 0.3 x(n - 1) + w, w of 0.0025."""
    series = np.zeros(steps + 3)
    noise = 0.05**2 * random.standard_normal(steps + 3)
    for n in range(2, steps + 3):
        series[n] = 1.0 - 1.4 * series[n - 1] ** 2 + 0.3 * series[n - 2] + noise[n]
    return series[2:-1], series[3:]


def narma(steps: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs u, even in 0 to 0.5, and targets of order 10 (doi:10.1109/72.846741)."""
    u, y = random.uniform(0.0, 0.5, steps + 10), np.zeros(steps + 11)
    for n in range(9, steps + 10):
        y[n + 1] = 0.3 * y[n] + 0.05 * y[n] * y[n - 9 : n + 1].sum() + 1.5 * u[n - 9] * u[n] + 0.1
    return u[10:], y[11:]


SERIES = {"henon": henon, "narma": narma}


def errors(
    task: str, *, channels: int, spread: float, noises: tuple[float, ...], repeats: int = REPEATS
) -> np.ndarray:
    """Return errors by noise and repeat, each repeat with masks, cells and input of its own."""
    random = np.random.default_rng([SEED, TASKS.index(task)])
    pairs = [SERIES[task](TRAIN + TEST, random) for _ in range(repeats)]
    inputs = np.array([one for one, _ in pairs]).T[:, :, None]
    masks = random.choice([-1.0, 1.0], (repeats, 1, CELLS, MASK))
    reservoir = Reservoir(VolatileCells((repeats, CELLS), SEED, channels=channels, spread=spread))
    states = by_step(reservoir.states(masked(inputs, masks, TRAIN)))
    found = np.empty((len(noises), repeats))
    for at, noise in zip(found, noises, strict=True):
        read = states * (1.0 + noise * random.standard_normal(states.shape))
        at[:] = [nrmse(one, target, TRAIN) for one, (_, target) in zip(read, pairs, strict=True)]
    return found


def of_card(card: Card, width: float, repeats: int = REPEATS) -> np.ndarray:
    """Return errors of the Henon map (repeats) by cells of a card; width 0: they stay as they are."""
    random = np.random.default_rng([SEED, TASKS.index("henon")])
    pairs = [henon(TRAIN + TEST, random) for _ in range(repeats)]
    inputs = np.array([one for one, _ in pairs]).T[:, :, None]
    volts = masked(inputs, random.choice([-1.0, 1.0], (repeats, 1, CELLS, MASK)), TRAIN, CARD_ENDS)
    cells = CardCells(card, (repeats, CELLS), SEED)
    currents = Reservoir(cells, width).states(volts)
    states = by_step(currents * (1.0 + CARD_NOISE * random.standard_normal(currents.shape)))
    return np.array([nrmse(one, target, TRAIN) for one, (_, target) in zip(states, pairs, strict=True)])


def delayed(task: str, taps: int, repeats: int = REPEATS) -> np.ndarray:
    """Return errors of a linear readout of the last inputs, without a reservoir."""
    random = np.random.default_rng([SEED, TASKS.index(task)])
    found = []
    for _ in range(repeats):
        inputs, targets = SERIES[task](TRAIN + TEST, random)
        found.append(nrmse(np.stack([np.roll(inputs, k) for k in range(taps)], axis=1), targets, TRAIN))
    return np.array(found)


def words_of(part: str) -> tuple[list[np.ndarray], np.ndarray]:
    """Return utterances (frames, 12 cepstrum coefficients) and speakers of the Japanese vowels in aeon."""
    package = find_spec("aeon")
    assert package is not None and package.submodule_search_locations
    place = Path(package.submodule_search_locations[0]) / "datasets" / "data" / "JapaneseVowels"
    text = (place / f"JapaneseVowels_{part}.ts").read_text(encoding="utf-8").partition("@data")[2]
    rows = [line.split(":") for line in text.split()]
    frames = [np.array([np.array(one.split(","), float) for one in row[:-1]]).T for row in rows]
    return frames, np.array([int(row[-1]) for row in rows])


def vowels(*, channels: int, spread: float, noise: float) -> dict[str, tuple[int, int]]:
    """Return wrong and all test utterances, with and without cells; frames vote by the sum of readouts."""
    random = np.random.default_rng([SEED, TASKS.index("vowels")])
    (train, speakers), (test, right) = words_of("TRAIN"), words_of("TEST")
    masks = random.choice([-1.0, 1.0], (1, train[0].shape[1], CELLS, MASK))
    lengths = [len(one) for one in train + test]
    frames = np.concatenate(train + test)
    reservoir = Reservoir(VolatileCells((1, CELLS), SEED, channels=channels, spread=spread))
    volts = masked(frames[:, None], masks, sum(lengths[: len(train)]))
    currents = []
    for word in np.split(volts, MASK * np.cumsum(lengths)[:-1]):
        reservoir.pause(PAUSE)
        currents.append(reservoir.states(word))
    states = by_step(np.concatenate(currents))[0]
    states *= 1.0 + noise * random.standard_normal(states.shape)
    found = {}
    for name, features in (("cells", states), ("none", frames)):
        scaled, ends = with_constant(features), np.cumsum(lengths)[:-1]
        first = sum(lengths[: len(train)])
        wanted = np.repeat(speakers, lengths[: len(train)])[:, None] == np.unique(speakers)
        weights = np.linalg.lstsq(scaled[:first], wanted.astype(float), rcond=None)[0]
        votes = np.array([word.sum(axis=0) for word in np.split(scaled @ weights, ends)[len(train) :]])
        found[name] = (int(np.sum(np.unique(speakers)[votes.argmax(axis=1)] != right)), len(test))
    return found


def measure(repeats: int = REPEATS) -> xr.Dataset:
    """Return the errors of the Henon map by decay spread, channels, noise and repeat."""
    values = [
        [errors("henon", channels=n, spread=s, noises=NOISES, repeats=repeats) for n in CHANNELS]
        for s in SPREADS
    ]
    return xr.Dataset(
        {"henon": (("spread", "channels", "noise", "repeat"), np.array(values), {"long_name": "NRMSE"})},
        coords={"spread": list(SPREADS), "channels": list(CHANNELS), "noise": list(NOISES)},
        attrs={"title": "Henon map by reservoirs of volatile cells", "seed": SEED},
    )


def mean(values: np.ndarray, axis: int = -1) -> tuple[np.ndarray, np.ndarray]:
    """Return means over repeats and half their 95 % t intervals."""
    n = values.shape[axis]
    half = stats.t.ppf(0.975, n - 1) * values.std(axis=axis, ddof=1) / np.sqrt(n)
    return values.mean(axis=axis), half


def draw(found: xr.Dataset, path: str) -> None:
    """Draw the map: error against levels, a panel for each decay spread and a curve for each noise."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, len(SPREADS), figsize=(11, 4), layout="constrained", sharey=True)
    places = np.arange(len(CHANNELS))
    for panel, spread in zip(panels, SPREADS, strict=True):
        panel.axhspan(PUBLISHED, 2 * PUBLISHED, color="0.9")
        panel.axhline(PUBLISHED, color="0.4", lw=1, ls="--")
        for noise, mark, colour in zip(NOISES, "osv^", colours.SERIES, strict=False):
            at, half = mean(found.henon.sel(spread=spread, noise=noise).values)
            panel.errorbar(
                places, at, half, marker=mark, ms=4, capsize=2, color=colour, label=f"{100 * noise:g} %"
            )
        panel.set(yscale="log", xlabel="levels of a cell", title=f"spread of ln(decay time) {spread:g}")
        panel.set_xticks(places, [f"{n + 1}" if n else "many" for n in CHANNELS])
    panels[0].set_ylabel("NRMSE of the Henon map")
    panels[0].annotate("measured", (0.02, PUBLISHED), (2, -10), textcoords="offset points",
                       xycoords=("axes fraction", "data"), fontsize=8)  # fmt: skip
    panels[-1].legend(title="noise of a read", fontsize=8)
    figure.savefig(path, dpi=110)


def table(found: xr.Dataset) -> str:
    """Return the map as rows of a table, spread by spread."""
    rows = []
    for spread in SPREADS:
        for n in CHANNELS:
            at, half = mean(found.henon.sel(spread=spread, channels=n).values)
            cells = " | ".join(f"{a:.3f} ± {h:.3f}" for a, h in zip(at, half, strict=True))
            rows.append(f"| {spread:g} | {n + 1 if n else 'many'} | {cells} |")
    return "\n".join(rows)


def fractions(wrong: dict[str, tuple[int, int]]) -> str:
    """Return wrong utterances with the 95 % intervals of their probability (Wilson)."""
    parts = []
    for name, (misses, number) in wrong.items():
        low, high = stats.binomtest(misses, number).proportion_ci(method="wilson")
        parts.append(f"{name} {misses} of {number} ({100 * low:.1f} to {100 * high:.1f} %)")
    return ", ".join(parts)


def main() -> None:
    """Measure, write and draw."""
    command = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    command.add_argument("tasks", nargs="*", metavar="TASK", help=f"of {', '.join(TASKS)}; all by default")
    command.add_argument("--repeats", type=int, default=REPEATS)
    command.add_argument("--card", help="the Henon map by cells of this card, and nothing else")
    options = command.parse_args()
    if options.card is not None:
        card = Card.load(options.card)
        for width in CARD_WIDTHS:
            at, half = mean(of_card(card, width, options.repeats))
            print(f"card, pulses of {width:g} s: {at:.3f} ± {half:.3f}", flush=True)
        at, half = mean(of_card(card, 0.0, options.repeats))
        print(f"card, cells that stay as they are: {at:.3f} ± {half:.3f}")
        return
    tasks = options.tasks or TASKS
    if "henon" in tasks:
        found = measure(options.repeats)
        found.to_netcdf("reservoirs.nc")
        draw(found, "reservoirs.png")
        print(table(found))
    for task, taps in (("henon", 2), ("narma", 10)):
        if task in tasks:
            at, half = mean(delayed(task, taps, options.repeats))
            print(f"{task}, last {taps} inputs without cells: {at:.3f} ± {half:.3f}")
    if "narma" in tasks:
        at, half = mean(errors("narma", channels=0, spread=0.3, noises=NOISES, repeats=options.repeats))
        for noise, a, h in zip(NOISES, at, half, strict=True):
            print(f"narma, many levels, noise {100 * noise:g} %: {a:.3f} ± {h:.3f}")
    if "vowels" in tasks and find_spec("aeon") is None:
        print("vowels are left out, their data are in a package: pip install aeon")
    elif "vowels" in tasks:
        for n, noise in ((0, 0.0), (4096, 0.01), (256, 0.01)):
            wrong = vowels(channels=n, spread=0.3, noise=noise)
            print(f"vowels, {n or 'many'} channels, noise {100 * noise:g} %: {fractions(wrong)}")


if __name__ == "__main__":
    main()

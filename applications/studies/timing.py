"""Do volatile devices tell the timing of spikes, and what does their forgetting look like in atoms?

A device with short-term plasticity takes up a fraction of what is left at each spike and forgets it after::

    x <- x exp(-dt/tau) + g (1 - x) spike

Three tasks: spikes of which only the intervals matter; series turned into spikes where they cross levels; one
step ahead of a chaotic laser. Beside the smooth law stands what the kinetic simulation of a volatile filament
shows: one device forgets in a single step, after a time of its own; the lifetimes that it shows, and the
fractions of spikes that set it, make synapses of a few or of many such devices.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from frenkel.networks import images, tasks
from frenkel.typing import Floats

from .common.claims import Claim, claim, effect
from .common.data import Variables, finish, interval, markdown, percent, variable
from .common.draw import save
from .common.settings import Settings
from .methods.volatile import Volatile, lifetimes

TITLE = "spike timing and short-term memory of volatile devices"
GAIN = 0.5
"""Fraction of what is left that a spike adds. Chosen."""

TAUS = (1.0, 3.0, 10.0, 20.0, 30.0, 100.0, 300.0)
"""Time constants tried (steps)."""

NOISES = (0.0, 0.02, 0.05)
"""Standard deviations of a read, as a fraction of the full scale."""

PARALLEL = (1, 4, 16, 64, 256)
"""Devices of atoms that share one synapse."""

GAINS, GAIN_NOISE = (0.25, 0.75), 0.02
"""Other fractions that a spike adds, and the noise of a read that they are tried with. Chosen range; a
fraction of 1 leaves nothing of what was before."""

SETS = (0.25, 0.5, 1.0)
"""Fraction of spikes that set a device of atoms: a matter of their strength. Chosen range."""

BEST = 10.0
"""Time constant (steps) at which the devices of atoms, their spread and the controls are tried: a step is
that part of their mean lifetime."""

WORTH, ALIKE, LEAST = 0.05, 0.05, 0.03
"""Differences of accuracy that must be exceeded to matter: of time constants, of one device from the smooth
law, and from controls. Chosen."""

READS = 8
LEVEL = 0.2
"""Distance of the levels whose crossing makes a spike, in standard deviations of the series."""

SERIES = ("gunpoint", "italy")
METHODS = ("plastic", "counts", "memoryless", "shuffled")
LASER = ("devices", "devices, spread and noise", "memoryless devices", "ten past values", "last value")


def respond(spikes: Floats, tau: ArrayLike, gain: float = GAIN) -> Floats:
    """Return the state of devices after each step (samples, channels, steps).

    Parameters
    ----------
    spikes : ndarray of shape (samples, channels, steps)
        0 or 1, or a drive between.
    tau : float or ndarray that fits (samples, channels)
        Time constant (steps), positive; 0 is no memory at all.
    gain : float
        Fraction of what is left that a spike adds, 0 to 1.
    """
    tau = np.asarray(tau, float)
    keep = np.exp(-np.divide(1.0, tau, out=np.full(tau.shape, np.inf), where=tau > 0))
    state, states = np.zeros(spikes.shape[:2]), np.empty(spikes.shape)
    for step in range(spikes.shape[2]):
        state = state * keep
        state = state + gain * (1.0 - state) * spikes[:, :, step]
        states[:, :, step] = state
    return states


def respond_in_steps(
    spikes: Floats, lifetimes: Floats, sets: float, devices: int, random: np.random.Generator
) -> Floats:
    """Return the fraction of devices that are on, each of which forgets in one step after a time of its own.

    Parameters
    ----------
    spikes : ndarray of shape (samples, channels, steps)
        0 or 1.
    lifetimes : ndarray
        That were seen (steps); every spike that sets a device gives it one of them.
    sets : float
        Fraction of spikes that set a device, 0 to 1; one that is on and set again has a new lifetime.
    devices : int
        In one synapse.
    random : numpy.random.Generator
    """
    refractory = np.zeros((*spikes.shape[:2], devices))
    shares = np.empty(spikes.shape)
    for step in range(spikes.shape[2]):
        refractory = np.maximum(refractory - 1.0, 0.0)
        spike_index = np.nonzero(spikes[:, :, step] > 0)
        hit = random.random((spike_index[0].size, devices)) < sets
        refractory[spike_index] = np.where(
            hit, random.choice(lifetimes, size=hit.shape), refractory[spike_index]
        )
        shares[:, :, step] = (refractory > 0.0).mean(axis=2)
    return shares


def at_last_spike(states: Floats, spikes: Floats) -> Floats:
    """Return the state of each channel just after its last spike (samples, channels)."""
    last = spikes.shape[2] - 1 - np.argmax(spikes[:, :, ::-1] > 0, axis=2)
    return np.take_along_axis(states, last[:, :, None], axis=2)[:, :, 0]


def level_crossings(x: Floats, level: float = LEVEL) -> Floats:
    """Return spikes (samples, 2, steps) where a series (samples, 1, steps) has risen or fallen by a level."""
    reference, spikes = x[:, 0, 0].copy(), np.zeros((len(x), 2, x.shape[2]))
    for step in range(1, x.shape[2]):
        difference = x[:, 0, step] - reference
        spikes[:, 0, step], spikes[:, 1, step] = difference >= level, difference <= -level
        reference += level * np.trunc(difference / level)
    return spikes


def run(settings: Settings) -> xr.Dataset:
    """Return accuracies and errors of devices with memory, and how long devices of atoms hold theirs."""
    cell = Volatile()
    devices = 4 * settings.chips // 5 if settings.chips > 4 else 2
    memory = lifetimes(cell, devices, 4, settings)
    variables = {
        "tau": variable("tau", TAUS, "1", "time constant (steps)"),
        "noise": variable("noise", NOISES, "1", "noise of a read, fraction of full scale"),
        "sets": variable("sets", SETS, "1", "fraction of spikes that set a device, chosen range"),
        "parallel": variable("parallel", PARALLEL, "1", "devices of atoms in one synapse"),
        "way": variable("way", METHODS, "1", "what is read"),
        "series": variable("series", SERIES, "1", "series to classify"),
        "forecast": variable("forecast", LASER, "1", "predictor of the laser"),
        "lifetime": variable("device pulse", memory, "s", "time until a device forgets a pulse"),
    }
    settings.progress(0.4, "intervals of spikes")
    variables |= _intervals(settings, memory)
    settings.progress(0.8, "series")
    variables |= _series(settings) | _laser(settings)
    settings_used = {"device": cell.material, "voltage": cell.voltage, "compliance": cell.compliance}
    return finish(variables, "timing", TITLE, settings, **settings_used)


def seen(memory: Floats) -> Floats:
    """Return the lifetimes that a kinetic simulation saw (steps), in steps of which the mean is :data:`BEST`.

    One that outlasted the wait counts as long as the longest that was seen, which is too short.
    """
    on = memory[~np.isnan(memory)]
    finite = on[np.isfinite(on)]
    if not finite.size:
        return np.array([BEST])
    lasting = np.minimum(on, finite.max())
    return np.asarray(lasting * BEST / lasting.mean())


def _intervals(settings: Settings, memory: Floats) -> Variables:
    """Return accuracy in the interval task by time constant, noise, spread, and number of devices."""
    shape, kinetic = (settings.seeds,), seen(memory)
    smooth, steps = np.empty((*shape, len(TAUS), len(NOISES))), np.empty((*shape, len(SETS), len(PARALLEL)))
    controls, spread = np.empty((*shape, len(METHODS))), np.empty(shape)
    gains = np.empty((*shape, len(TAUS), len(GAINS)))
    samples = max(200, min(800, settings.steps))
    for seed in range(settings.seeds):
        random = settings.random(5, seed)
        parts = [tasks.intervals(samples, settings.seed * 1000 + 2 * seed + k) for k in (0, 1)]
        for i, tau in enumerate(TAUS):
            states = [respond(part.x, tau) for part in parts]
            smooth[seed, i] = [_read(parts, states, noise, random) for noise in NOISES]
            for j, gain in enumerate(GAINS):
                states, stream = [respond(p.x, tau, gain) for p in parts], settings.random(5, seed, j)
                gains[seed, i, j] = _read(parts, states, GAIN_NOISE, stream)
        for i, count in enumerate(PARALLEL):
            for j, sets in enumerate(SETS):
                states = [respond_in_steps(p.x, kinetic, sets, count, random) for p in parts]
                steps[seed, j, i] = _read(parts, states, 0.0, random)
        # Every channel of the chip has a device of its own, so the spread is the same for all samples.
        best_thresholds = BEST * np.exp(0.3 * random.standard_normal(parts[0].x.shape[1]))
        spread[seed] = _read(parts, [respond(part.x, best_thresholds) for part in parts], 0.02, random)
        controls[seed] = [
            smooth[seed, TAUS.index(BEST), 1],
            _accuracy(parts, [part.x.sum(axis=2) for part in parts]),
            _read(parts, [respond(part.x, 0.0) for part in parts], 0.02, random),
            _accuracy(parts, [_shuffled_reads(part.x, random) for part in parts]),
        ]
    words = "accuracy with devices that forget at once"
    return {
        "interval_accuracy": variable("seed tau noise", smooth, "1", "accuracy in the interval task"),
        "interval_gain": variable("seed tau gain", gains, "1", "accuracy where a spike adds another part"),
        "gain": variable("gain", GAINS, "1", "fraction of what is left that a spike adds, chosen range"),
        "interval_controls": variable("seed way", controls, "1", "accuracy at the best time constant"),
        "interval_spread": variable("seed", spread, "1", "accuracy with a spread of 0.3 of ln tau"),
        "interval_parallel": variable("seed sets parallel", steps, "1", words),
    }


def _read(parts: list[tasks.Part], states: list[Floats], noise: float, random: np.random.Generator) -> float:
    """Return the accuracy of what is read, with noise, just after the last spike of each channel."""
    rows = [at_last_spike(s, p.x) for s, p in zip(states, parts, strict=True)]
    return _accuracy(parts, [row + noise * random.standard_normal(row.shape) for row in rows])


def _shuffled_reads(x: Floats, random: np.random.Generator) -> Floats:
    mixed = random.permuted(x, axis=2)
    return at_last_spike(respond(mixed, BEST), mixed)


def _accuracy(parts: list[tasks.Part], features: list[Floats]) -> float:
    """Return the accuracy on the second part of a linear classifier trained on the first."""
    train, test = (tasks.Part(x, part.y) for x, part in zip(features, parts, strict=True))
    return tasks.classified(train, test, 13)


def _series(settings: Settings) -> Variables:
    """Return accuracy on measured series; NaN where their package is not installed."""
    accuracy = np.full((settings.seeds, 2, len(METHODS)), np.nan)
    gain = np.full((settings.seeds, 2), np.nan)
    for place, name in enumerate(SERIES):
        for seed in range(settings.seeds):
            try:
                task = tasks.load(name, seed)
            except images.DataError:
                break
            random = settings.random(6, place, seed)
            accuracy[seed, place] = _classify(task, random)
            if seed == 0:
                gain[seed, place] = tasks.temporal_need(task, seed)["gain"]
    return {
        "series_accuracy": variable("seed series way", accuracy, "1", "accuracy on measured series"),
        "temporal_need": variable("seed series", gain, "1", "ordered minus best orderless accuracy"),
    }


def _classify(task: tasks.Task, random: np.random.Generator) -> list[float]:
    """Return the accuracy of each method; training and validation samples train, nothing is chosen."""
    data_sets = zip((task.train.x, task.train.y), (task.validation.x, task.validation.y), strict=True)
    x, y = (np.concatenate(part) for part in data_sets)
    parts = [tasks.Part(x, y), task.test]
    spikes = [level_crossings(x), level_crossings(task.test.x)]
    steps = x.shape[2]
    read_steps = np.round(np.linspace(steps / READS, steps, READS)).astype(int) - 1
    taus = [0.02 * steps, 0.07 * steps, 0.2 * steps, 0.7 * steps]

    def plastic(s: Floats) -> Floats:
        states = [respond(s, tau)[:, :, read_steps].reshape(len(s), -1) for tau in taus]
        read_states = np.concatenate(states, axis=1)
        return np.asarray(read_states + 0.02 * random.standard_normal(read_states.shape))

    def score(features: Callable[[Floats], Floats]) -> float:
        return _accuracy(parts, [features(s) for s in spikes])

    return [
        score(plastic),
        score(lambda s: s.sum(axis=2)),
        score(lambda s: s[:, :, read_steps].reshape(len(s), -1)),
        score(lambda s: plastic(np.stack([channel[:, random.permutation(steps)] for channel in s]))),
    ]


def _laser(settings: Settings) -> Variables:
    """Return the error one step ahead of the laser (Mackey-Glass where the laser's package is missing)."""
    try:
        series, name = tasks.series("laser", 6000), "Santa Fe laser"
    except images.DataError:
        series, name = tasks.series("mackey-glass", 6000), "Mackey-Glass (laser's package is missing)"
    drive = (series - series.min()) / np.ptp(series)
    error = np.empty((settings.seeds, len(LASER)))
    for seed in range(settings.seeds):
        random = settings.random(7, seed)
        lags = np.stack([np.roll(series, k) for k in range(10)], axis=1)
        error[seed] = [
            _predicted(_bank(drive, random, 0.0), series),
            _predicted(_bank(drive, random, 0.3, noise=0.005), series),
            _predicted(_bank(drive, random, 0.0, memory=False), series),
            _predicted(lags, series),
            float(np.sqrt(np.mean(np.diff(series[4000:]) ** 2) / series[4001:].var())),
        ]
    return {
        "forecast_error": variable("seed forecast", error, "1", f"normalised error one step ahead, {name}")
    }


def _bank(
    drive: Floats, random: np.random.Generator, spread: float, *, noise: float = 0.0, memory: bool = True
) -> Floats:
    """Return states (steps, 60) of devices whose drivers saturate at 0 and 1."""
    count = 60
    tau = np.geomspace(0.5, 30.0, count) * np.exp(spread * random.standard_normal(count))
    # The driver of each device has a weight and an offset of its own and is linear between 0 and full scale.
    target = random.uniform(-1.0, 1.0, count) * drive[:, None] + random.random(count)
    pulse = np.where(target < 0.0, 0.0, np.where(target > 1.0, 1.0, target))
    states = respond(pulse.T[None], tau if memory else 0.0, 0.6)[0].T
    return np.asarray(states + noise * random.standard_normal(states.shape))


def _predicted(features: Floats, series: Floats) -> float:
    """Return the normalised root mean square error on steps after 4000 of a fit to those before."""
    from sklearn.linear_model import RidgeCV  # scikit-learn, an extra
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = features[100:-1], series[101:]
    model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-8, 2, 11))).fit(x[:3900], y[:3900])
    return float(np.sqrt(np.mean((model.predict(x[3900:]) - y[3900:]) ** 2) / y[3900:].var()))


def claims(data: xr.Dataset) -> list[Claim]:
    """Return what the numbers say."""
    return [_timing_claim(data), _atoms_claim(data), *_series_claims(data), _forecast_claim(data)]


def _timing_claim(data: xr.Dataset) -> Claim:
    """The device must beat counts, and its time constant must fit: both ends of the range are worse."""
    at_noise = data["interval_accuracy"].sel(noise=0.02)
    peak = int(np.argmax(at_noise.mean("seed").values))
    best = at_noise.isel(tau=peak)
    end_losses = [best - at_noise.isel(tau=k) for k in (0, len(TAUS) - 1)]
    counts = data["interval_controls"].sel(way="counts")
    effects = [effect(best - counts, WORTH), *(effect(end_loss, WORTH) for end_loss in end_losses)]
    return claim(
        "timing-intervals", effects, best=percent(best), tau=TAUS[peak], counts=percent(counts),
        above=[percent(end_loss) for end_loss in end_losses], ends=[TAUS[0], TAUS[-1]],
    )  # fmt: skip


def _atoms_claim(data: xr.Dataset) -> Claim:
    """If a device forgot smoothly, one would do what the smooth law does."""
    lifetime = data["lifetime"].values
    finite = lifetime[np.isfinite(lifetime)]
    single, many = (data["interval_parallel"].sel(parallel=k, sets=GAIN) for k in (1, PARALLEL[-1]))
    smooth = data["interval_accuracy"].sel(noise=0.0, tau=BEST)
    return claim(
        "timing-atoms", [effect(single - smooth, -ALIKE)],
        pulses=finite.size, devices=lifetime.shape[0],
        beyond=int(np.isinf(lifetime).sum()), unset=int(np.isnan(lifetime).sum()),
        mean=interval(finite * 1e6), variation=finite.std(ddof=1) / finite.mean(),
        one=percent(single), count=PARALLEL[-1], many=percent(many), smooth=percent(smooth),
    )  # fmt: skip


def _series_claims(data: xr.Dataset) -> list[Claim]:
    verdicts = []
    for name in SERIES:
        rows = data["series_accuracy"].sel(series=name)
        if not np.isfinite(rows).all():
            continue
        plastic = rows.sel(way="plastic")
        gain = effect(plastic - rows.sel(way=list(METHODS[1:])).max("way"), LEAST)
        verdicts.append(claim(f"timing-{name}", [gain], plastic=percent(plastic), gain=percent(gain.found)))
    return verdicts


def _forecast_claim(data: xr.Dataset) -> Claim:
    """Prediction gains from devices if they, with spread and noise, beat a line through ten past values."""
    series = str(data["forecast_error"].attrs["long_name"])
    error = {name: data["forecast_error"].sel(forecast=name) for name in LASER}
    ideal, real, memoryless, past = (error[name] for name in LASER[:4])
    return claim(
        "timing-forecast", [effect(past - real)], series=series, ideal=interval(ideal), real=interval(real),
        memoryless=interval(memoryless), past=interval(past).mean,
    )  # fmt: skip


def table(data: xr.Dataset) -> str:
    """Return the table, as Markdown."""
    parallel = data["interval_parallel"]
    controls = [[m, percent(data["interval_controls"].sel(way=m))] for m in METHODS]
    controls.append(["spread of 0.3 of ln tau", percent(data["interval_spread"])])
    tables = [
        markdown(*_ranges(data)),
        markdown(
            ["devices of atoms per synapse", *(f"{p:g} of the spikes set one (chosen)" for p in SETS)],
            [[str(k), *(percent(parallel.sel(parallel=k, sets=p)) for p in SETS)] for k in PARALLEL],
        ),
        markdown(["control", "accuracy"], controls),
    ]
    for name in SERIES:
        rows = data["series_accuracy"].sel(series=name)
        if np.isfinite(rows).all():
            tables.append(markdown([name, "accuracy"], [[m, percent(rows.sel(way=m))] for m in METHODS]))
    errors = [[n, f"{interval(data['forecast_error'].sel(forecast=n)):.3f}"] for n in LASER]
    tables.append(markdown(["one step ahead", "normalised error"], errors))
    return "\n\n".join("\n".join(lines) for lines in tables)


def _ranges(data: xr.Dataset) -> tuple[list[str], list[list[str]]]:
    """Return head and rows of accuracy over the chosen ranges of time constants, noises and shares."""
    gains = [float(g) for g in data["gain"].values] if "interval_gain" in data else []
    columns = [
        "tau (steps, range)",
        *(f"noise {n:.0%}, a spike adds {GAIN:g}" for n in NOISES),
        *(f"noise {GAIN_NOISE:.0%}, a spike adds {g:g}" for g in gains),
    ]
    rows = [
        [
            f"{t:g}",
            *(percent(data["interval_accuracy"].sel(tau=t, noise=n)) for n in NOISES),
            *(percent(data["interval_gain"].sel(tau=t, gain=g)) for g in gains),
        ]
        for t in TAUS
    ]
    return columns, rows


def draw(data: xr.Dataset, folder: Path) -> list[Path]:
    """Draw accuracy against time constant and number of devices, and how devices of atoms forget."""
    from matplotlib.figure import Figure  # matplotlib, which only drawing needs

    figure = Figure(figsize=(11, 3.4), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    for noise in NOISES:
        rows = data["interval_accuracy"].sel(noise=noise)
        left.errorbar(TAUS, rows.mean("seed"), rows.std("seed"), marker="o", label=f"read noise {noise:.0%}")
    left.axhline(0.25, color="0.6", linestyle=":", label="chance")
    left.set(
        xscale="log",
        xlabel="time constant / steps",
        ylabel="accuracy",
        title="which pair of spikes is close?",
    )
    left.legend(fontsize=8)
    lifetime = np.sort(data["lifetime"].values[np.isfinite(data["lifetime"].values)]) * 1e6
    middle.step(
        lifetime,
        1.0 - np.arange(1, lifetime.size + 1) / lifetime.size,
        where="post",
        label="devices of atoms",
    )
    grid = np.linspace(0.0, lifetime.max(), 100)
    middle.plot(grid, np.exp(-grid / lifetime.mean()), "--", label=f"exp(-t/{lifetime.mean():.0f} us)")
    middle.set(
        xlabel="time after the pulse / us", ylabel="fraction that remembers", title="each forgets in one step"
    )
    middle.legend(fontsize=8)
    rows = data["interval_parallel"].sel(sets=GAIN)
    right.errorbar(PARALLEL, rows.mean("seed"), rows.std("seed"), marker="s", color="tab:red")
    right.set(
        xscale="log",
        xlabel="devices of atoms per synapse",
        ylabel="accuracy",
        title="how many make it smooth",
    )
    return [save(figure, folder / "timing.png")]

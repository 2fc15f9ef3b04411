"""Random telegraph noise: levels, traps, dwell times, time-lag plots, and where a trap sits.

Every function takes a trace (:mod:`.trace`), simulated or measured. Currents below 0 are turned over, so that
"high" is the state of larger magnitude.
"""

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy import ndimage, signal, stats

from ...cells.noise import switching_rate
from ...checks import equally_many, positive, whole
from ...typing import Floats
from ...units import BOLTZMANN_EV
from ..statistics import regression
from . import markov, markov_start
from . import trace as traces

TRANSITIONS = 10  # fewer give no time constant
INFLATED = 1.1  # noise of a fit over that of neighbouring samples above which it does not fit
KEPT = 0.05  # correlation from sample to sample below which a trap cannot be told from noise
NORMAL = float(stats.norm.ppf(0.975))


def levels(trace: xr.Dataset) -> xr.Dataset:
    """Find the levels of a trace: peaks of its histogram, refined as Gaussians of one width.

    Returns
    -------
    xarray.Dataset
        Along ``level``: ``current`` (A, ascending in magnitude) and ``share`` of the samples; scalar
        ``noise`` (A).
    """
    sign, _, y = _upright(trace)
    noise, _ = markov_start.jumps(y)
    width = max(noise, 1e-6 * float(np.ptp(y)), 1e-300)
    edges = np.arange(y.min() - 4 * width, y.max() + 4 * width, width / 8)
    if len(edges) > 1_000_000:
        raise ValueError(f"current must span at most 1e5 times its noise of {width:g} A, got {np.ptp(y):g} A")
    count = np.histogram(y, edges)[0].astype(float)
    middle = (edges[:-1] + edges[1:]) / 2
    # A peak of fewer than four samples is an outlier.
    peaks, _ = signal.find_peaks(ndimage.gaussian_filter1d(count, 4), height=4 / (4 * np.sqrt(2 * np.pi)))
    mean, share, sigma = _mixture(middle, count, middle[peaks], width)
    data = {
        "current": ("level", sign * mean, {"units": "A"}),
        "share": ("level", share, {"units": "1"}),
        "noise": ((), sigma, {"units": "A"}),
    }
    return xr.Dataset(data)


def _mixture(x: Floats, count: Floats, mean: Floats, width: float) -> tuple[Floats, Floats, float]:
    """Refine Gaussians of one width on a histogram by expectation maximisation."""
    share, sigma = np.full(len(mean), 1 / len(mean)), width
    for _ in range(200):
        log_density = np.log(share)[:, None] - 0.5 * ((x - mean[:, None]) / sigma) ** 2
        part = np.exp(log_density - log_density.max(0))
        part *= count / part.sum(0)
        weight = part.sum(1) + 1e-12
        new = part @ x / weight
        sigma = float(np.sqrt(np.sum(part * (x - new[:, None]) ** 2) / count.sum()))
        settled = np.abs(new - mean).max() < 1e-6 * width
        mean, share = new, weight / weight.sum()
        if settled:
            break
    order = np.argsort(mean)
    return mean[order], share[order], sigma


def traps(
    trace: xr.Dataset,
    number: int | None = None,
    *,
    maximum: int = 3,
    adds: bool | None = None,
    capture_lowers: bool = True,
    intervals: bool = True,
) -> xr.Dataset:
    """Find the traps behind a trace: a factorial hidden Markov model, its number of traps by BIC.

    Times are of the continuous process: jumps between samples that are not seen are counted. The noise is
    taken as white and Gaussian; drift or strong 1/f noise appear as further, slow traps.

    Parameters
    ----------
    trace : xarray.Dataset
        Uniformly sampled, at least 16 samples.
    number : int, optional
        Number of traps, 1 to 5; None: the number of the least Bayesian information criterion.
    maximum : int
        Largest number that is tried, 1 to 5.
    adds : bool, optional
        Amplitudes of the traps add; False: every combination of their states has its own current (coupled
        traps); None: whichever has the lesser criterion.
    capture_lowers : bool
        A captured electron lowers the current, so that the mean time of capture is that in the high state.
    intervals : bool
        Find 95 % intervals; costs two passes through the trace for each parameter.

    Returns
    -------
    xarray.Dataset
        Along ``trap``, largest first: ``amplitude`` (A), ``relative_amplitude`` (of the high state's mean),
        ``tau_capture`` and ``tau_emission`` (s), ``variance`` (A2, the trap's fraction of the noise power),
        ``transitions``, and with ``bound`` (low, high) the
        intervals ``amplitude_interval``, ``tau_capture_interval``, ``tau_emission_interval``; along
        ``state``: ``current`` (A) of each joint state (bit k: trap k is high); scalars ``noise`` (A),
        ``step`` (s); along ``order``: ``bic``; attribute ``amplitudes_add``, 1 or 0.

    Raises
    ------
    ValueError
        The trace has one level, too few transitions, or a trap that is too fast for its sampling.
    """
    top = number if number is not None else maximum
    whole("number of traps", top, 1, markov.MAXIMUM_TRAPS)
    sign, step, y = _upright(trace)
    model, moves, added, bic = _orders(y, step, top, number, adds)
    data = _described(model, moves, sign, step, capture_lowers)
    dataset = xr.Dataset(data, {"order": np.arange(len(bic)), "bound": ["low", "high"]})
    dataset["bic"] = ("order", np.array(bic))
    if intervals:
        errors = markov.standard_errors(model, y, step, adds=added)
        _add_intervals(dataset, errors, capture_lowers)
    dataset.attrs = {"capture_lowers": int(capture_lowers), "amplitudes_add": int(added)}
    return dataset


def _orders(
    y: Floats, step: float, top: int, number: int | None, adds: bool | None
) -> tuple[markov.TelegraphModel, Floats, bool, list[float]]:
    """Return the best model, the transitions of its traps, whether they add, and the BIC of each order."""
    variance = float(np.var(y))
    if not np.ptp(y) > 0:
        raise ValueError(f"current must have two levels at least, got one: {y[0]:g} A in every sample")
    bic = [len(y) * (np.log(2 * np.pi * variance) + 1) + 2 * np.log(len(y))]
    best: tuple[markov.TelegraphModel, Floats, bool] | None = None
    for n in range(1, top + 1):
        goal = min(bic) if number is None and n > 1 else np.inf
        model, added, criterion = _one_order(y, step, n, best[0] if best else None, adds, goal)
        better = criterion < min(bic)
        bic.append(criterion)
        if n == 1 and not better and number is None:
            raise ValueError(
                f"current must have two levels at least, got one: {y.mean():.4g} A with noise "
                f"{np.sqrt(variance):.3g} A"
            )
        expected = markov.expectations(model, y, step)
        moves = expected.flips[:, 0, 1] + expected.flips[:, 1, 0]
        fault = _fault(model, moves, step)
        if fault and n in (1, number):
            raise ValueError(fault)
        if number is None and (fault or not better):
            break
        best = (model, moves, added)
    assert best is not None
    return *best, bic


def _one_order(
    y: Floats, step: float, n: int, previous: markov.TelegraphModel | None, adds: bool | None, goal: float
) -> tuple[markov.TelegraphModel, bool, float]:
    """Return the best model of n traps, whether their currents add, and its BIC."""
    size = float(np.log(len(y)))
    target = ((3 * n + 2) * size - goal) / 2
    model, likelihood = markov_start.search(y, step, n, previous, True, target)
    best = (model, True, (3 * n + 2) * size - 2 * likelihood)
    if adds or n == 1:
        return best
    target = ((2 * n + 2**n + 1) * size - goal) / 2
    misfit = model.noise > INFLATED * markov_start.jumps(y)[0]
    model, likelihood = markov.fit(model, y, step, adds=False, target=target)
    if misfit:
        # Currents far from adding up lead the additive fit astray, and a fit that starts from it.
        other = markov_start.search(y, step, n, previous, False, target)
        model, likelihood = max((model, likelihood), other, key=lambda pair: pair[1])

    criterion = (2 * n + 2**n + 1) * size - 2 * likelihood
    return (model, False, criterion) if adds is False or criterion < best[2] else best


def _fault(model: markov.TelegraphModel, moves: Floats, step: float) -> str:
    """Return why the times of a model are not to be trusted, or nothing."""
    if moves.min() < TRANSITIONS:
        return (
            f"a trap must change its state at least {TRANSITIONS} times in the trace, got {moves.min():.0f}: "
            f"measure longer, or cut off a single step"
        )
    rate = switching_rate(model.high, model.low)
    if np.exp(-step * rate.max()) < KEPT:
        fastest = int(np.argmax(rate))
        return (
            f"a trap must remember its state from one sample to the next, step {step:g} s, got times of "
            f"{model.high[fastest]:.2g} and {model.low[fastest]:.2g} s: sample faster"
        )
    return ""


def _described(
    model: markov.TelegraphModel, moves: Floats, sign: float, step: float, capture_lowers: bool
) -> dict[str, tuple[object, ...]]:
    capture, emission = (model.high, model.low) if capture_lowers else (model.low, model.high)
    weights, bits = model.weights(), markov.state_bits(model.n_traps).astype(bool)
    high = np.array([np.average(model.level[is_high], weights=weights[is_high]) for is_high in bits.T])
    return {
        "amplitude": ("trap", model.amplitude, {"units": "A"}),
        "relative_amplitude": ("trap", model.amplitude / np.abs(high), {"units": "1"}),
        "tau_capture": ("trap", capture, {"units": "s"}),
        "tau_emission": ("trap", emission, {"units": "s"}),
        "variance": ("trap", model.amplitude**2 * model.occupancy * (1 - model.occupancy), {"units": "A2"}),
        "transitions": ("trap", moves, {"units": "1"}),
        "current": ("state", sign * model.level, {"units": "A"}),
        "noise": ((), model.noise, {"units": "A"}),
        "step": ((), step, {"units": "s"}),
    }


def _add_intervals(result: xr.Dataset, errors: dict[str, Floats], capture_lowers: bool) -> None:
    interval = NORMAL * np.array([-1.0, 1.0])
    names = ("tau_capture", "tau_emission") if capture_lowers else ("tau_emission", "tau_capture")
    for name, key in zip(names, ("log_high", "log_low"), strict=True):
        bounds = result[name].values[:, None] * np.exp(errors[key][:, None] * interval)
        result[f"{name}_interval"] = (("trap", "bound"), bounds, {"units": "s"})
    bounds = result["amplitude"].values[:, None] + errors["amplitude"][:, None] * interval
    result["amplitude_interval"] = (("trap", "bound"), bounds, {"units": "A"})


def model(found: xr.Dataset) -> markov.TelegraphModel:
    """Return the model behind the result of :func:`traps`."""
    high, low = (
        ("tau_capture", "tau_emission") if found.attrs["capture_lowers"] else ("tau_emission", "tau_capture")
    )
    level = found["current"].values
    return markov.TelegraphModel(
        level=np.abs(level) if np.median(level) < 0 else level,
        high=found[high].values,
        low=found[low].values,
        noise=float(found["noise"]),
    )


def states(trace: xr.Dataset, found: xr.Dataset) -> xr.Dataset:
    """Return each trap's likelier state at every sample, and the current without noise.

    Parameters
    ----------
    trace : xarray.Dataset
    found : xarray.Dataset
        From :func:`traps`.

    Returns
    -------
    xarray.Dataset
        ``high`` (sample, trap), 1 where the trap is in its state of high current, and ``current`` (A).
    """
    sign, step, y = _upright(trace)
    telegraph = model(found)
    expected = markov.expectations(telegraph, y, step, posterior=True)
    assert expected.high is not None
    high = (expected.high > 0.5).astype(np.int8)
    joint = high.astype(np.int64) @ (1 << np.arange(telegraph.n_traps))
    data = {
        "high": (("sample", "trap"), high, {"units": "1"}),
        "current": ("sample", sign * telegraph.level[joint], {"units": "A"}),
    }
    return xr.Dataset(data, {"time": trace["time"]})


def dwell_times(time: ArrayLike, high: ArrayLike) -> tuple[Floats, Floats]:
    """Return the times spent in the high and in the low state, without the two cut off by the trace's ends.

    Parameters
    ----------
    time : (samples,) array_like
        Times (s), uniform or those of a simulation's events.
    high : (samples,) array_like
        Whether the state is high from each time on.

    Returns
    -------
    high, low : float64 arrays
        s, in order of time.
    """
    equally_many(time=time, high=high)
    state = np.asarray(high).astype(bool)
    changes = np.flatnonzero(np.diff(state)) + 1
    if len(changes) < 2:
        raise ValueError(
            f"a trace must change its state at least twice to give dwell times, got {len(changes)}"
        )
    length = np.diff(np.asarray(time, float)[changes])
    first = state[changes[:-1]]
    return length[first], length[~first]


def dwell_statistics(dwell: ArrayLike, step: float = 0.0, seed: int = 0) -> dict[str, float]:
    """Return mean, 95 % interval and test of exponential dwell times.

    The interval is the exact one of exponential times (chi-square of 2 n degrees of freedom). The test
    compares normalised spacings (total time on test: R. E. Barlow and R. Campo, 1975), which are exponential
    whatever mean and dead time are, with a Kolmogorov-Smirnov test, so that its p needs no table for
    estimated parameters. A level that hides several states gives small p.

    Parameters
    ----------
    dwell : (n,) array_like
        s, at least 10.
    step : float
        Time between samples (s) of a sampled trace: dwells are then spread over the step in which they ended.
    seed : int
        Of that spreading.

    Returns
    -------
    dict
        ``mean``, ``low``, ``high`` (s), ``number``, ``p_exponential``.
    """
    times = np.asarray(dwell, float)
    if len(times) < TRANSITIONS:
        raise ValueError(f"dwell must hold at least {TRANSITIONS} dwell times, got {len(times)}")
    total, n = float(times.sum()), len(times)
    mean = total / n
    if step > 0:
        # ceil of an exponential time is geometric; drawing inside the last step undoes the ceil.
        rate = -np.log1p(-min(step / mean, 1 - 1e-12)) / step
        mean = 1 / rate
        total = n * mean
        in_bin = np.random.default_rng(seed).random(n)
        times = times - step - np.log1p(in_bin * np.expm1(-rate * step)) / rate
    spacings = np.diff(np.sort(times)) * np.arange(n - 1, 0, -1)
    spent = np.cumsum(spacings)
    return {
        "mean": mean,
        "low": 2 * total / float(stats.chi2.ppf(0.975, 2 * n)),
        "high": 2 * total / float(stats.chi2.ppf(0.025, 2 * n)),
        "number": float(n),
        "p_exponential": float(stats.kstest(spent[:-1] / spent[-1], "uniform").pvalue),
    }


def time_lag(trace: xr.Dataset, *, lag: int = 1, weighted: bool = True) -> xr.DataArray:
    """Return a time-lag plot: how often a current follows a current.

    Spots on the diagonal are levels, spots off it are transitions between them. The weighted plot replaces
    each point by a Gaussian as wide as the noise (J. Martin-Martinez et al., IEEE Electron Device Lett. 35,
    479 (2014), 10.1109/LED.2014.2304673), which keeps rare levels visible on a logarithmic scale.

    Parameters
    ----------
    trace : xarray.Dataset
    lag : int
        Samples between the two currents, at least 1.
    weighted : bool
        Weighted, or plain counts.

    Returns
    -------
    xarray.DataArray
        Along ``first`` and ``second`` (A); its sum is the number of pairs up to what is smoothed over the
        edge.
    """
    _, y = traces.uniform(trace)
    whole("lag (samples)", lag, 1, len(y) - 1)
    noise, _ = markov_start.jumps(y)
    margin = 4 * noise
    edges = np.linspace(y.min() - margin, y.max() + margin, 201)
    if not edges[-1] > edges[0]:
        raise ValueError(f"current must have two levels at least, got one: {y[0]:g} A in every sample")
    count, _, _ = np.histogram2d(y[:-lag], y[lag:], [edges, edges])
    if weighted:
        count = ndimage.gaussian_filter(count, noise / (edges[1] - edges[0]), mode="constant", truncate=6)
    middle = (edges[:-1] + edges[1:]) / 2
    return xr.DataArray(
        count,
        {"first": ("first", middle, {"units": "A"}), "second": ("second", middle, {"units": "A"})},
        name="pairs",
    )


def time_lag_levels(plot: xr.DataArray) -> Floats:
    """Return the levels (A) that show as spots on the diagonal of a weighted time-lag plot."""
    diagonal = np.diag(plot.values)
    # In logarithms: a level visited a thousand times less than another one is still a peak.
    peaks, _ = signal.find_peaks(np.log(diagonal + 1e-3 * diagonal.max() / len(diagonal)), prominence=0.5)
    return np.asarray(np.asarray(plot["first"].values, float)[peaks])


def trap_depth(
    voltage: ArrayLike,
    capture: ArrayLike,
    emission: ArrayLike,
    temperature: float,
    error: ArrayLike | None = None,
) -> dict[str, float]:
    """Return where a trap sits, from the bias dependence of its times.

    ln(capture/emission) = (E_T - E_F)/kT = energy/kT - q depth V/kT in a uniform field, where ``depth`` is
    the fraction of the device voltage that shifts the trap against the contact it exchanges electrons with:
    for an electrode, the distance from it over the thickness of the oxide (negative if a positive voltage
    lifts the trap). M. J. Kirton and M. J. Uren, Adv. Phys. 38, 367 (1989), 10.1080/00018738900101122.

    Parameters
    ----------
    voltage : (n,) array_like
        Device voltage (V), at least 3 different, 2 with ``error``.
    capture, emission : (n,) array_like
        Mean times (s), above 0.
    temperature : float
        K, above 0.
    error : (n,) array_like, optional
        Standard error of ln(capture/emission).

    Returns
    -------
    dict
        ``depth``, ``depth_low``, ``depth_high`` (1); ``energy``, ``energy_low``, ``energy_high`` (eV, E_T -
        E_F at 0 V).
    """
    equally_many(voltage=voltage, capture=capture, emission=emission)
    positive("temperature", temperature, "K")
    positive("capture", capture, "s")
    positive("emission", emission, "s")
    ratio = np.asarray(capture, float) / np.asarray(emission, float)
    fit = regression.line(voltage, np.log(ratio), error)
    thermal = BOLTZMANN_EV * temperature
    low, high = fit.slope_interval
    bottom, top = fit.intercept_interval
    return {
        "depth": -fit.slope * thermal,
        "depth_low": -high * thermal,
        "depth_high": -low * thermal,
        "energy": fit.intercept * thermal,
        "energy_low": bottom * thermal,
        "energy_high": top * thermal,
    }


def _upright(trace: xr.Dataset) -> tuple[float, float, Floats]:
    """Return the sign of a trace, its step (s) and the current times its sign."""
    step, y = traces.uniform(trace)
    sign = -1.0 if np.median(y) < 0 else 1.0
    return sign, step, sign * y

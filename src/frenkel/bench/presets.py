"""Devices that other simulators have as presets: their laws and numbers, of which nothing is fitted here.

They know normalised states. A training part gives two conductances only, those of the medians of its HRS and
LRS, or the largest one. The code is our own; laws and numbers are those that the libraries document.

References
----------
aihwkit 1.1.0 (IBM, MIT licence): M. J. Rasch et al., arXiv:2104.02184. Its HfO2 array is after N. Gong et
al., IEDM 2022; its noise after W. Wan et al., Nature 608, 504 (2022), doi:10.1038/s41586-022-04992-8, and
after D. F. Falcone et al. (in review there). CrossSim 3 (Sandia, BSD-3): its RRAMWan is after Wan et al. too.
"""

from collections.abc import Callable

import numpy as np
import xarray as xr

from ..analysis.fitting.observations import Observations
from ..typing import Floats

PULSES = 25
"""In a row toward one level; the preset goes from end to end in about four."""

STEP, STEP_DEVICES, UP_DOWN, STEP_CYCLES, WRITE = 0.4622, 0.7125, 0.01, 0.2174, 0.5841
"""Least step of aihwkit's HfO2 array, its spread in ln between devices and that of its sign; errors of a
pulse and of a written state, over the step."""

BOUND_UP, BOUND_DOWN, REFERENCE = 0.4295, 0.5990, 0.05
"""Spreads of both bounds, which are 1 and -1, and of the reference."""

LARGEST = 39.26e-6
"""Largest conductance of CrossSim's law (S)."""

CROSSSIM_WAN = (1.536e-4, -1.167e-2, 2.374e-1, 1.053)
"""Spread (uS) by powers of the conductance (uS), the highest first: of 1 s."""

AIHWKIT_WAN = {
    1.0: (-16.815, 45.393, -43.853, 16.030, 0.348),
    86400.0: (-16.458, 47.095, -50.773, 22.086, 0.701),
    172800.0: (-11.934, 37.062, -43.507, 20.274, 0.782),
}
"""Spread (uS) by powers of the conductance over the largest one, the highest first, at each time (s)."""

FALCONE_MEAN, FALCONE_SPREAD = -0.08900206, (0.04201137, 0.41183342)
"""Shift and spread (uS) by ln t, the slope first."""

FALCONE_READ, FALCONE_PERIOD = 0.0277316483, 1e-6
"""Factor of the noise of a read, and its time (s)."""

MICRO = 1e-6


def levels(training: Observations) -> Floats:
    """Return the conductance (S) of the median of each number of a cycle: HRS and LRS, and no other."""
    others = [name for name in training.names if name not in ("hrs", "lrs")]
    if others or len(training.names) < 2:
        raise NotImplementedError(f"has no {', '.join(others)}" if others else "needs hrs and lrs")
    middle = np.nanmedian(training.values, axis=(0, 1))
    return 1.0 / np.array([float(f.backward(x)) for f, x in zip(training.features, middle, strict=True)])


def drawn(training: Observations, program: Callable[[str], Floats], cycles: int) -> Floats:
    """Return cycles in which each level is programmed and read; what does not conduct has no value."""
    found = np.stack([[program(name) for name in training.names] for _ in range(cycles)])
    ohms = 1.0 / np.where(found > 0, found, np.nan)
    made = [feature.forward(ohms[:, place].T) for place, feature in enumerate(training.features)]
    return np.stack(made, axis=2)


def soft_bounds(training: Observations) -> Callable[[int, int, int], Floats]:
    """aihwkit's HfO2 array: a pulse moves a state by a (1 - w / bound), less as it comes near its bound.

    Cycles are trains of pulses down and up. The reference is where a step up is one down.
    """
    low, high = np.sort(levels(training))

    def draw(devices: int, cycles: int, seed: int) -> Floats:
        random = np.random.default_rng(seed)
        wide = STEP * np.exp(STEP_DEVICES * random.standard_normal(devices))
        lean = UP_DOWN * random.standard_normal(devices)
        steps = {1: wide * (1 + lean), -1: wide * (1 - lean)}
        bounds = {1: np.abs(1 + BOUND_UP * random.standard_normal(devices)),
                  -1: -np.abs(1 + BOUND_DOWN * random.standard_normal(devices))}  # fmt: skip
        slopes = {sign: steps[sign] / bounds[sign] for sign in (1, -1)}
        reference = (steps[1] - steps[-1]) / (slopes[1] - slopes[-1])
        reference += REFERENCE * random.standard_normal(devices)
        state = np.zeros(devices)

        def program(name: str) -> Floats:
            nonlocal state
            sign = -1 if name == "hrs" else 1
            for _ in range(PULSES):
                error = STEP_CYCLES * random.standard_normal(devices)
                state = state + sign * steps[sign] * (1 - state / bounds[sign] + error)
                state = np.clip(state, bounds[-1], bounds[1])
            seen = state + WRITE * STEP * random.standard_normal(devices) - reference
            return np.asarray(low + (high - low) * 0.5 * (seen + 1.0))

        return drawn(training, program, cycles)

    return draw


def wan_spread(start: Floats, largest: float) -> Floats:
    """Return the spread (S) of CrossSim's device after Wan et al. at conductances (S), of which one is the
    largest."""
    scale = LARGEST / largest
    return np.asarray(np.polyval(CROSSSIM_WAN, start * scale / MICRO).clip(0.0) * MICRO / scale)


def programmed(training: Observations) -> Callable[[int, int, int], Floats]:
    """CrossSim's device after Wan et al.: each cycle programs the two levels, with their errors."""
    targets = levels(training)
    spreads = dict(zip(training.names, wan_spread(targets, targets.max()), strict=True))
    middles = dict(zip(training.names, targets, strict=True))

    def draw(devices: int, cycles: int, seed: int) -> Floats:
        random = np.random.default_rng(seed)

        def program(name: str) -> Floats:
            return np.asarray(middles[name] + spreads[name] * random.standard_normal(devices))

        return drawn(training, program, cycles)

    return draw


def crosssim_wan(training: xr.Dataset, start: Floats, time: float) -> Floats:
    """CrossSim after Wan et al., which has the error of 1 s and no time."""
    spread = wan_spread(start, float(training["start"].max()))
    return np.asarray(start + spread * np.random.default_rng(1).standard_normal(len(start)))


def aihwkit_wan(training: xr.Dataset, start: Floats, time: float) -> Floats:
    """aihwkit after Wan et al.: of its three times the one that is nearest in ln t."""
    nearest = min(AIHWKIT_WAN, key=lambda one: abs(np.log(one / time)))
    spread = MICRO * np.polyval(AIHWKIT_WAN[nearest], start / float(training["start"].max()))
    return np.asarray((start + spread * np.random.default_rng(1).standard_normal(len(start))).clip(0.0))


def aihwkit_cmo(training: xr.Dataset, start: Floats, time: float) -> Floats:
    """aihwkit after Falcone et al., whose mean and spread go with ln t, and the noise of a read."""
    random, largest = np.random.default_rng(1), float(training["start"].max()) / MICRO
    spread = np.polyval(FALCONE_SPREAD, np.log(time))
    g = start / MICRO + FALCONE_MEAN * np.log(time) + spread * random.standard_normal(len(start))
    reads = np.sqrt(np.log((time + FALCONE_PERIOD) / (2 * FALCONE_PERIOD)))
    # Its noise of a read goes with log10 of the conductance in microsiemens.
    g += FALCONE_READ * np.log10(g.clip(1e-3)) * reads * random.standard_normal(len(start))
    return np.asarray(MICRO * g.clip(0.0, largest))

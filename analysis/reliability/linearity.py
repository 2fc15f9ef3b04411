"""Update curves of synaptic devices: how far conductance against pulse number is from a straight line."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...checks import finite
from ...typing import Floats

LABEL = 10.0  # NeuroSim's label is this times the largest distance from the straight line


@dataclass(frozen=True, slots=True)
class UpdateStatistics:
    """What trains of equal pulses say of a device.

    Attributes
    ----------
    potentiation, depression : float
        Nonlinearity labels of the way up and of the way down, see `nonlinearity`.
    asymmetry : float
        Difference of both labels, 0 for an up curve and a down curve that are the same straight line.
    states : int
        States that the range holds, see `number_of_states`; the smaller of both ways.
    on_off : float
        Largest over smallest conductance.
    """

    potentiation: float
    depression: float
    asymmetry: float
    states: int
    on_off: float


def nonlinearity(conductance: ArrayLike) -> float:
    """Return the nonlinearity label of conductance against pulse number.

    Parameters
    ----------
    conductance : array_like, shape (n_pulses + 1,)
        Conductance (S) before the first and after each of a train of equal pulses, rising or falling. Noisy
        curves should be averaged over cycles or devices first: the label is a largest distance.

    Returns
    -------
    float
        ``10 (g - p)`` where its magnitude is largest, g: fraction of the change of conductance, p: that of
        the pulses done. 0 for a straight line, towards 10 for a jump at the first pulse, towards -10
        for one at the last. For ``g = (1 - exp(-p / A)) / (1 - exp(-1 / A))`` it is the label of NeuroSim's
        table of A (MLP_NeuroSim, ``Nonlinearity-NormA.htm``) within 2 %.

    Raises
    ------
    ValueError
        Fewer than 3 numbers, one that is not finite, or first and last alike.
    """
    values = _checked(conductance)
    share = (values - values[0]) / (values[-1] - values[0])
    distance = share - np.linspace(0.0, 1.0, len(values))
    return float(LABEL * distance[np.argmax(np.abs(distance))])


def labels(potentiation: ArrayLike, depression: ArrayLike) -> tuple[float, float]:
    """Return the labels of a way up and of a way down with the signs of the benchmark tables.

    There both curves are drawn against the pulses of the way up, so that a device which changes most with its
    first pulses has a positive label up and a negative one down (Ag:a-Si 2.4 / -4.88).
    """
    return nonlinearity(potentiation), -nonlinearity(depression)


def asymmetry(potentiation: ArrayLike, depression: ArrayLike) -> float:
    """Return the difference of both labels: 7.28 for labels of 2.4 and -4.88."""
    rise_label, fall_label = labels(potentiation, depression)
    return abs(rise_label - fall_label)


def number_of_states(conductance: ArrayLike) -> int:
    """Return the states that the range of an update curve holds.

    The range over the root mean square of the steps around the mean step, not more than the pulses: a noisy
    step tells fewer states apart than there are pulses, as the mean step over its noise does in
    aihwkit's ``dw_min`` and ``dw_min_std``.

    Parameters
    ----------
    conductance : array_like, shape (n_pulses + 1,)
        As for `nonlinearity`.
    """
    values = _checked(conductance)
    steps = np.diff(values)
    noise = float(np.sqrt(np.mean((steps - steps.mean()) ** 2)))
    span = abs(float(values[-1] - values[0]))
    return len(steps) if noise * len(steps) <= span else int(span / noise)


def update_statistics(potentiation: Sequence[ArrayLike], depression: Sequence[ArrayLike]) -> UpdateStatistics:
    """Summarise several trains up and as many down, of one device or of many.

    Parameters
    ----------
    potentiation, depression : sequence of array_like, each of shape (n_pulses + 1,)
        Conductances (S); labels are those of the mean of all ways up and of all ways down, the number of
        states is the median of single ones.
    """
    mean_potentiation = np.mean([_checked(curve) for curve in potentiation], axis=0)
    mean_depression = np.mean([_checked(curve) for curve in depression], axis=0)
    single = [[number_of_states(curve) for curve in curves] for curves in (potentiation, depression)]
    rising, falling = labels(mean_potentiation, mean_depression)
    all_values: Floats = np.concatenate([mean_potentiation, mean_depression])
    return UpdateStatistics(
        rising,
        falling,
        abs(rising - falling),
        int(min(np.median(single[0]), np.median(single[1]))),
        float(all_values.max() / all_values.min()),
    )


def exponential(pulses: ArrayLike, a: float) -> Floats:
    """Return NeuroSim's normalised update curve ``(1 - exp(-p / a)) / (1 - exp(-1 / a))``.

    Parameters
    ----------
    pulses : array_like
        Share p of the pulses done, 0 to 1.
    a : float
        Its parameter A over the number of pulses; positive bends up first, negative last. Not 0.
    """
    if a == 0.0:
        raise ValueError("a must not be 0: the straight line is the limit of large values")
    return np.asarray(np.expm1(-np.asarray(pulses, np.float64) / a) / np.expm1(-1.0 / a))


def _checked(conductance: ArrayLike) -> Floats:
    values = np.asarray(conductance, np.float64)
    if values.ndim != 1 or len(values) < 3:
        raise ValueError(f"conductance must be a row of at least 3 numbers, got shape {values.shape}")
    finite("conductance", values, "S")
    if values[0] == values[-1]:
        raise ValueError(f"conductance must end elsewhere than it starts, both are {values[0]:g} S")
    return values

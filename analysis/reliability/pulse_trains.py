"""Trains of equal pulses on the cells of a card, and the numbers that programs for learning ask of them.

The card holds no pulse response. Its rate equation does: a gap that moves at constant speed under a constant
voltage, so that the conductance grows and falls exponentially with the number of pulses. Amplitudes are those
of the ramps by default, widths such that the average cell goes all its way in the given number of pulses.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from ...cells import gap_law
from ...cells.card import Card, CardWarning
from ...cells.core import GapCore, average
from ...checks import whole
from ...typing import Floats
from . import linearity

Flags = NDArray[np.bool_]

NODES = 11
"""Places between the bounds of a cell at which its mean step is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulses:
    """Trains of pulses: number, amplitudes (V) and widths (s) of SET and RESET."""

    number: int
    set_voltage: float
    set_width: float
    reset_voltage: float
    reset_width: float

    @classmethod
    def of(cls, card: Card, number: int = 64) -> "Pulses":
        """Return pulses that take the average cell from one end to the other.

        Raises
        ------
        ValueError
            No core, or fewer than 3 pulses.
        """
        whole("number of pulses", number, 3)
        core, middle = GapCore.of(card), average(card)
        volts = {"set_voltage": middle["vset"], "reset_voltage": -middle["vreset"]}
        gap_range = float(core.gap(np.exp(middle["lnhrs"])) - core.gap(np.exp(middle["lnlrs"])))
        voltages = middle["vset"], middle["vreset"]
        set_speeds, reset_speeds = gap_law.speeds(core.row(), gap_range, *voltages, at=voltages)
        return cls(
            number=number,
            set_width=gap_range / number / float(set_speeds),
            reset_width=gap_range / number / float(reset_speeds),
            **volts,
        )

    def row(self) -> Floats:
        """Return the five numbers as :func:`frenkel.cells.gap_law.trains` takes them."""
        return np.array([self.number, self.set_voltage, self.set_width, self.reset_voltage, self.reset_width])


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainStatistics:
    """What trains on many devices say.

    Attributes
    ----------
    pulses : Pulses
    least, most : float
        Mean conductances in HRS and in LRS (S).
    label_up, label_down : float
        Nonlinearity labels of the mean curves, with the signs of :func:`linearity.labels`.
    a_up, a_down : float
        A over the number of pulses in ``(1 - exp(-p/A)) / (1 - exp(-1/A))``, fitted to the mean curves;
        infinite for a straight line.
    residual_up, residual_down : float
        Root mean square of that fit, as fraction of the range.
    reached_up, reached_down : float
        Fraction of the range that the mean curve goes through.
    states : int
        States that the range of one curve holds, :func:`linearity.number_of_states`.
    cycle : float
        Standard deviation of one step between cycles of a device, as fraction of the range (rms).
    device : float
        Standard deviation of the label between devices, mean of up and down.
    up, down : ndarray, shape (NODES,)
        Mean step at places between the bounds of a cell, as fraction of the mean range; both positive.
    scales : ndarray, shape (devices, 2)
        Of each device its steps up and down over those means.
    bounds : ndarray, shape (devices, 2)
        Of each device exp(-location) of HRS and LRS (S).
    noise : float
        Standard deviation of a step around the mean of its device and place, over that mean.
    closed : float
        Fraction of the cycles that have no window and were left out.
    """

    pulses: Pulses
    least: float
    most: float
    label_up: float
    label_down: float
    a_up: float
    a_down: float
    residual_up: float
    residual_down: float
    reached_up: float
    reached_down: float
    states: int
    cycle: float
    device: float
    up: Floats
    down: Floats
    scales: Floats
    bounds: Floats
    noise: float
    closed: float


def statistics(
    card: Card, number: int = 64, *, devices: int = 256, cycles: int = 16, seed: int = 0
) -> TrainStatistics:
    """Apply trains to devices that are drawn from a card.

    Parameters
    ----------
    card : Card
    number : int
        Of pulses in a train, at least 3.
    devices, cycles, seed : int
        Of ``card.sample``; each cycle has one train up and one down.

    Raises
    ------
    ValueError
        No core, or fewer than 3 pulses; or most cycles have no window.
    """
    core, pulses = GapCore.of(card), Pulses.of(card, number)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CardWarning)
        sampled = card.sample(devices, cycles, seed)
    wrong = ~core.shows(sampled)
    mostly_right = wrong.sum(axis=1) <= cycles // 2
    if mostly_right.sum() < 2:
        raise ValueError(f"card {card.name} has no window for pulses: hrs must be above lrs in most cycles")
    potentiation, depression = (curve[mostly_right] for curve in _trains(core, pulses, sampled, wrong))
    bounds = np.exp(
        -np.stack([np.nanmean(_ln(sampled[n], wrong)[mostly_right], axis=1) for n in ("hrs", "lrs")], axis=1)
    )
    least, most = float(np.nanmean(potentiation[..., 0])), float(np.nanmean(depression[..., 0]))
    return TrainStatistics(
        pulses=pulses,
        least=least,
        most=most,
        closed=float(wrong.mean()),
        bounds=bounds,
        **_curves(potentiation, depression, most - least),
        **_steps(potentiation, depression, bounds, most - least),
    )


def _ln(values: Floats, wrong: Flags) -> Floats:
    return np.where(wrong, np.nan, np.log(values))


def _trains(
    core: GapCore, pulses: Pulses, drawn: Mapping[str, Floats], wrong: Flags
) -> tuple[Floats, Floats]:
    """Return conductances up and down, (devices, cycles, number + 1); NaN where there is no window."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        potentiation, depression = gap_law.trains({"core": core.row(), "pulses": pulses.row()}, drawn)
    return np.where(wrong[..., None], np.nan, potentiation), np.where(wrong[..., None], np.nan, depression)


def _curves(up: Floats, down: Floats, span: float) -> dict[str, Any]:
    """Return labels, fits, states and spreads of whole curves."""
    mean = [np.nanmean(curve, axis=(0, 1)) for curve in (up, down)]
    device_means = [np.nanmean(curve, axis=1) for curve in (up, down)]
    labels = linearity.labels(*mean)
    each = [[linearity.nonlinearity(row) for row in rows] for rows in device_means]
    fits = [fit_exponential(curve) for curve in mean]
    first = [curve[:, 0][~np.isnan(curve[:, 0, 0])] for curve in (up, down)]
    states = [np.median([linearity.number_of_states(row) for row in rows]) for rows in first]
    between = [np.nanvar(np.diff(curve, axis=2), axis=1) for curve in (up, down)]
    return {
        "label_up": labels[0],
        "label_down": labels[1],
        "a_up": fits[0][0],
        "a_down": fits[1][0],
        "residual_up": fits[0][1],
        "residual_down": fits[1][1],
        "reached_up": float(mean[0][-1] - mean[0][0]) / span,
        "reached_down": float(mean[1][0] - mean[1][-1]) / span,
        "states": int(min(states)),
        "cycle": float(np.sqrt(np.mean(between))) / span,
        "device": float(np.mean([np.std(values) for values in each])),
    }


def _steps(up: Floats, down: Floats, bounds: Floats, span: float) -> dict[str, Any]:
    """Return mean steps between the bounds, their scale for each device, and the noise around them."""
    steps: dict[str, Any] = {}
    scales, errors, sizes = [], 0.0, 0.0
    for name, curve, sign in (("up", up, 1.0), ("down", down, -1.0)):
        hats, step = hat_functions(curve, bounds), sign * np.diff(curve, axis=2) / span
        valid = ~np.isnan(step)
        # Normal equations by their root: as many unknowns as nodes, however many steps.
        valid_hats = hats[valid]
        root = np.linalg.cholesky(valid_hats.T @ valid_hats + 1e-12 * np.eye(NODES))
        right = np.linalg.solve(root, valid_hats.T @ step[valid])
        nodes = scipy.optimize.nnls(root.T, right)[0]
        expected = np.where(valid, hats @ nodes, 0.0)
        step = np.where(valid, step, 0.0)
        scale = step.sum(axis=(1, 2)) / expected.sum(axis=(1, 2))
        errors += float(np.sum((step - scale[:, None, None] * expected) ** 2))
        sizes += float(np.sum((scale[:, None, None] * expected) ** 2))
        steps[name] = nodes
        scales.append(scale)
    return steps | {"scales": np.stack(scales, axis=1), "noise": float(np.sqrt(errors / sizes))}


def hat_functions(curve: Floats, bounds: Floats) -> Floats:
    """Return the weights of nodes at each conductance but the last, for linear interpolation.

    The place of a conductance is its fraction of the way between the bounds of its device; a cycle that goes
    beyond them counts at the bound.
    """
    low, high = bounds[:, 0, None, None], bounds[:, 1, None, None]
    with np.errstate(invalid="ignore"):
        node_position = np.clip((curve[..., :-1] - low) / (high - low), 0.0, 1.0) * (NODES - 1)
    return np.asarray(np.maximum(0.0, 1.0 - np.abs(node_position[..., None] - np.arange(NODES))))


def fit_exponential(curve: Floats) -> tuple[float, float]:
    """Return a and the root mean square residual of :func:`linearity.exponential`.

    Parameters
    ----------
    curve : ndarray
        Conductance against pulse number, rising or falling.

    Returns
    -------
    a : float
        A over the number of pulses; infinite for a straight line.
    residual : float
        As fraction of the change of the curve.
    """
    share = (curve - curve[0]) / (curve[-1] - curve[0])
    p = np.linspace(0.0, 1.0, len(curve))

    def miss(inverse: float) -> float:
        model = p if abs(inverse) < 1e-9 else linearity.exponential(p, 1.0 / inverse)
        return float(np.mean((model - share) ** 2))

    # Both signs have their own minimum where the curve is not of this form.
    tries = [
        scipy.optimize.minimize_scalar(miss, bounds=side, method="bounded", options={"xatol": 1e-10})
        for side in ((-200.0, 0.0), (0.0, 200.0))
    ]
    best = min(tries, key=lambda found: float(found.fun))
    inverse = float(best.x)
    return (float("inf") if abs(inverse) < 1e-6 else 1.0 / inverse), float(np.sqrt(best.fun))

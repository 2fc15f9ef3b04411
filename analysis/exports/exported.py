"""What an export to Python carries with it: draws of devices and cycles, and trains of pulses.

This file is copied into such an export as it stands; it imports numpy only. ``law`` is a mapping of arrays,
those of :func:`frenkel.analysis.exports.cards.arrays`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]


class Cells:
    """Devices of the law that stay the same from one cycle to the next.

    Parameters
    ----------
    law : mapping
        Arrays of a card.
    number : int
        Of devices.
    random : numpy.random.Generator

    Attributes
    ----------
    location, spread : ndarray, shape (number, k)
        Of each feature of each device, in transformed space.
    """

    def __init__(self, law: Mapping[str, Any], number: int, random: np.random.Generator) -> None:
        self.law, self.random = law, random
        k, p = len(law["names"]), len(law["coefficients"])
        component = random.choice(len(law["weights"]), size=number, p=law["weights"] / law["weights"].sum())
        noise = random.standard_normal((number, 2 * k))
        drawn = law["means"][component] + np.einsum("dij,dj->di", law["roots"][component], noise)
        self.location: Array = drawn[:, :k]
        self.spread: Array = np.exp(drawn[:, k:])
        # Scores of the last p cycles, newest first: those of the stationary law.
        start = random.standard_normal((number, p * k)) @ law["start_root"].T
        self.past: Array = start.reshape(number, p, k)

    def cycle(self) -> dict[str, Array]:
        """Return the features of the next cycle, each of shape (number,)."""
        law, (number, p, k) = self.law, self.past.shape
        score = self.random.standard_normal((number, k)) @ law["innovation_root"].T
        for i in range(p):
            score += self.past[:, i] @ law["coefficients"][i].T
        if p:
            self.past = np.concatenate([score[:, None], self.past[:, :-1]], axis=1)
        found = {}
        for i, name in enumerate(law["names"]):
            value = self.location[:, i] + self.spread[:, i] * np.interp(
                score[:, i], law["scores"], law["quantiles"][i]
            )
            if law["ranks"].size:
                value = np.interp(value, law["ranks"][i], law["levels"][i])
            found[str(name)] = law["signs"][i] * (np.exp(value) if law["logarithmic"][i] else value)
        return found


class Programmed:
    """Cells that are programmed again and again: the same devices, each time their next cycle.

    A target conductance is a share x of the way from the HRS to the LRS of the average device; a cell ends at
    the same share of its own way in this cycle, ``ln G = -(1 - x) ln HRS - x ln LRS``. That is the gap of the
    compact model. A target outside of the range of the average device is taken for the nearer end.

    Parameters
    ----------
    law : mapping
    seed : sequence of int
        Of all devices.
    """

    def __init__(self, law: Mapping[str, Any], *seed: int) -> None:
        self.law, self.seed = law, seed
        self.cells: dict[int, Cells] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Programmed) and self.seed == other.seed

    __hash__ = None  # type: ignore[assignment]

    def program(self, target: Array, slot: int = 0) -> Array:
        """Return the conductances [S] that targets [S] become; ``slot`` tells several arrays apart."""
        cells = self.cells.get(slot)
        if cells is None or len(cells.location) != target.size:
            random = np.random.default_rng(np.random.SeedSequence([*self.seed, slot]))
            cells = self.cells[slot] = Cells(self.law, target.size, random)
        drawn, (off, on) = cells.cycle(), self.law["range"]
        with np.errstate(divide="ignore"):
            way = np.log(np.maximum(target.ravel(), 0.0) / off) / np.log(on / off)
        share = np.clip(way, 0.0, 1.0)
        logarithm = (1.0 - share) * np.log(drawn["hrs"]) + share * np.log(drawn["lrs"])
        found: Array = np.exp(-logarithm).reshape(target.shape)
        return found


def advance(room: Any, travel: Any, edge: float) -> Array:
    """Return the distance to a gap limit [m] after a constant voltage.

    ``dr/dt = -v min(r/e, 1)``: at constant speed up to the distance e, and exponentially from there.

    Parameters
    ----------
    room : array_like
        Distance before [m].
    travel : array_like
        Speed times time [m], broadcast against ``room``.
    edge : float
        e [m].
    """
    room, travel = np.broadcast_arrays(np.asarray(room, float), np.asarray(travel, float))
    straight = np.maximum(room - edge, 0.0)
    rest = np.maximum(travel - straight, 0.0)
    return np.asarray(
        np.where(travel < straight, room - travel, np.minimum(room, edge) * np.exp(-rest / edge))
    )


def trains(law: Mapping[str, Any], drawn: Mapping[str, Array]) -> tuple[Array, Array]:
    """Return conductances [S] before and after each pulse of a train up and of a train down.

    Up from the HRS of a cycle by pulses of one positive voltage, down from its LRS by negative ones; read at
    the read voltage. The motion is that of the rate equation, in closed form.

    Parameters
    ----------
    law : mapping
        With ``core`` (I0 [A], V0 [V], g0 [m], k [1/V], SET and RESET ramp [V/s], read voltage [V], edge [m])
        and ``pulses`` (number, SET voltage [V], its width [s], RESET voltage [V], its width [s]).
    drawn : mapping of ndarray
        ``hrs``, ``lrs``, ``set_voltage``, ``reset_voltage`` of any one shape.

    Returns
    -------
    up, down : ndarray, shape (..., number + 1)
    """
    i0, v0, g0, k, set_ramp, reset_ramp, read, edge = law["core"]
    number, up_voltage, up_width, down_voltage, down_width = law["pulses"]
    unit = i0 * np.sinh(read / v0) / read
    high, low = (g0 * np.log(np.asarray(drawn[name])[..., None] * unit) for name in ("hrs", "lrs"))
    up_at, down_at = drawn["set_voltage"][..., None], -drawn["reset_voltage"][..., None]
    count = np.arange(int(number) + 1)
    # Both quotients in logarithms: the hyperbolic sines of large arguments overflow.
    closing = k * set_ramp * (high - low) * np.exp(_ln_sinh(k * up_voltage) - _ln_cosh_less_1(k * up_at)) / 2
    opening = reset_ramp * g0 / v0 / np.tanh(down_at / v0)
    opening = opening * np.exp(_ln_sinh(-k * down_voltage) - _ln_sinh(k * down_at))
    closed = low + advance(high - low, closing * up_width * count, edge)
    opened = high - advance(high - low, opening * down_width * count, edge)
    return unit * np.exp(-closed / g0), unit * np.exp(-opened / g0)


def _ln_sinh(x: Any) -> Any:
    return x + np.log(-0.5 * np.expm1(-2.0 * x))


def _ln_cosh_less_1(x: Any) -> Any:
    # cosh x - 1 = 2 sinh(x/2)^2
    return np.log(2.0) + 2.0 * _ln_sinh(0.5 * x)

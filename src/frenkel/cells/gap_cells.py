"""Cells of a card: the gap core's law, with devices and cycles drawn from the card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import checks
from ..typing import Floats, Index
from ..units import BOLTZMANN_EV
from . import _gap, gap_law
from .aging import CellRelaxation, CellTelegraph
from .core import GapCore
from .interface import Where, pick
from .noise import thermal_factor

if TYPE_CHECKING:
    from .card import Card
    from .cycle_sampler import CycleSampler
    from .noise import RelaxationLaw, RtnLaw

_cold = np.empty(0)
"""Temperature rises where no cell has one."""

MOST_SKIPPED = 100
"""Cycles in a row that a cell may skip because their HRS is not above their LRS."""


@dataclass(frozen=True, kw_only=True)
class Heat:
    """What temperature does to the motion of a gap: velocities grow as exp(-E/kT).

    Parameters
    ----------
    activation : float
        E (eV), 0 to 10.
    resistance : float
        Thermal, between filament and surroundings (K/W), 0 (no self-heating) to 1e12.
    reference : float
        Temperature at which the velocities of the core hold (K), 1 to 3000.
    """

    activation: float
    resistance: float = 0.0
    reference: float = 300.0

    def __post_init__(self) -> None:
        checks.between("activation", self.activation, 0, 10, "eV")
        checks.between("resistance", self.resistance, 0, 1e12, "K/W")
        checks.temperature(self.reference, "reference")


class CardCells:
    """An array of cells of a card: sinh conduction over a gap that a voltage moves.

    Parameters
    ----------
    core : GapCore
        What all cells have in common.
    features : mapping of str to array_like
        ``hrs``, ``lrs`` (ohm, at the core's read voltage), ``set_voltage`` (V, positive), ``reset_voltage``
        (V, negative) of every cell: one number or an array of ``shape`` each.
    shape : tuple of int
        Numbers of word and bit lines.
    draws : CycleSampler, optional
        CycleSampler the features of later cycles; without it all cycles are alike.
    telegraph : RtnLaw, optional
        Random telegraph noise.
    relaxation : RelaxationLaw, optional
        Shift of the conductance after programming.
    heat : Heat, optional
        Thermal activation and self-heating; without it temperature does nothing to the motion.
    temperature : float
        Of the surroundings (K), 1 to 3000; may be changed.
    seed : int
        Of telegraph noise and relaxation, 0 or more.

    Attributes
    ----------
    gap : ndarray of shape (m, n)
        (m); every cell starts in its HRS. `program` sets it.
    skipped : int
        Cycles drawn but passed over, since their HRS was not above their LRS: these have no such law.

    Raises
    ------
    ValueError
        An HRS that is not above its LRS, or a voltage of the wrong sign.

    Notes
    -----
    ``I = I0 exp(-g/g0) sinh(V/V0)``; at a constant voltage the gap moves at a constant speed, and over the
    last ``edge`` before its limit exponentially (:mod:`frenkel.cells.core`). That is solved in closed
    form, so a pulse in two halves is the pulse, whatever its length.

    A cell that was driven one edge against its last direction has turned. As it turns from RESET to SET, the
    next cycle is drawn: its HRS and RESET voltage hold from then on, its LRS and SET voltage from the next
    turn to RESET. A ramped cell therefore shows the features as the card draws them, RESET first.
    """

    temperature_rise: Floats | None = None

    def __init__(
        self,
        core: GapCore,
        features: Mapping[str, ArrayLike],
        shape: tuple[int, int],
        *,
        draws: CycleSampler | None = None,
        telegraph: RtnLaw | None = None,
        relaxation: RelaxationLaw | None = None,
        heat: Heat | None = None,
        temperature: float = 300.0,
        seed: int = 0,
    ) -> None:
        self.core, self.shape, self.heat, self._draws = core, shape, heat, draws
        self._gaps = _gap.Gaps(core, {k: checks.spread(k, v, shape).ravel() for k, v in features.items()})
        self.skipped = 0
        self._amplitude: Floats | None = None  # I0 exp(-g/g0) of every cell (A), unless gaps have moved
        self._places = np.arange(shape[0] * shape[1]).reshape(shape)
        self._card: Card | None = None
        self._largest = 0.0  # voltage so far (V)
        self.temperature = temperature
        noise, relaxation_stream = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(2))
        start = self.core.conductance(self._gaps.gap)
        self._telegraph = None if telegraph is None else CellTelegraph(telegraph, start, noise, temperature)
        self._relaxation = (
            None if relaxation is None else CellRelaxation(relaxation, start, relaxation_stream)
        )

    @classmethod
    def from_card(
        cls,
        card: Card,
        shape: tuple[int, int],
        seed: int,
        *,
        temperature: float | None = None,
    ) -> CardCells:
        """Draw an array of cells from a card, with telegraph noise and relaxation where the card has them.

        Parameters
        ----------
        card : Card
            With a core.
        shape : tuple of int
            As in the class.
        seed : int
            0 or more; the same seed gives the same cells and the same chance.
        temperature : float, optional
            Of the surroundings (K); that of the card's box, where it has one, otherwise 300 K.

        Raises
        ------
        ValueError
            The card has no core.
        """
        core = GapCore.of(card)
        if temperature is None:
            temperature = float(np.mean(card.validity.get("temperature", (300.0, 300.0))))
        card.check(temperature=temperature)
        m, n = shape
        draws = card.cells(m * n, seed)
        features, skipped = _next_cycle(core, draws, np.arange(m * n), m * n)
        cells = cls(
            core, {name: values.reshape(shape) for name, values in features.items()}, shape,
            draws=draws, telegraph=card.rtn_law, relaxation=card.relaxation_law,
            temperature=temperature, seed=seed,
        )  # fmt: skip
        cells.skipped, cells._card = skipped, card
        return cells

    # ------------------------------------------------------------------ as they are

    @property
    def scale(self) -> float:
        """V0 (V)."""
        return self.core.voltage_scale

    @property
    def temperature(self) -> float:
        """Of the surroundings (K)."""
        return self._temperature

    @temperature.setter
    def temperature(self, value: float) -> None:
        checks.temperature(value)
        self._temperature = float(value)
        heat = self.heat
        if heat is None:
            self._heat = np.array([1.0])
            return
        factor = 1.0 / thermal_factor(heat.activation, value, heat.reference)
        numbers = [factor, 0.0, heat.activation / BOLTZMANN_EV, heat.reference, value]
        if heat.resistance:
            numbers[:2] = 1.0, heat.resistance
        self._heat = np.array(numbers)

    @property
    def gap(self) -> Floats:
        """Gap of every cell (m); a view that is not to be written to."""
        gap = self._gaps.gap.reshape(self.shape)
        gap.flags.writeable = False
        return gap

    @property
    def cycles(self) -> NDArray[np.int64]:
        """Turns of every cell from RESET to SET so far, (m, n)."""
        return self._gaps.cycles.reshape(self.shape)

    def current(self, voltage: Floats, where: Where = None) -> tuple[Floats, Floats]:
        """Return current (A) and slope (S)."""
        return gap_law.current_of(self._amplitudes(where), np.asarray(voltage), self.core.voltage_scale)

    def sinh_law(self, where: Where = None) -> tuple[Floats, Floats]:
        """Return I0 exp(-g/g0) (A), telegraph noise included, and V0 (V)."""
        amplitude = self._amplitudes(where)
        return amplitude, np.full(amplitude.shape, self.core.voltage_scale)

    def _amplitudes(self, where: Where) -> Floats:
        if self._amplitude is None:
            self._amplitude = self.core.amplitude(self._gaps.gap)
            if self._telegraph is not None:
                self._amplitude *= self._telegraph.factor
        return pick(self._amplitude.reshape(self.shape), where)

    def window(self, voltage: float = 0.1) -> tuple[Floats, Floats]:
        """Return least and largest conductance (S) of every cell in its present cycle at a voltage (V)."""
        low, high = (self.core.conductance(gap, voltage) for gap in (self._gaps.most, self._gaps.least))
        return low.reshape(self.shape), high.reshape(self.shape)

    def nearest_level(self, target: Floats) -> Floats:
        """Return the conductance (S) in the window of any cell that is nearest to each target (S)."""
        least, most = self.window()
        return np.asarray(np.clip(target, least.min(), most.max()))

    # ------------------------------------------------------------------ in time

    def program(self, conductance: ArrayLike, voltage: float = 0.1) -> None:
        """Give every cell a conductance (S) at a voltage (V) without pulses, telegraph noise left out.

        Raises
        ------
        ValueError
            A conductance outside the window of its cell.
        """
        least, most = self.window(voltage)
        targets = checks.spread("conductance", conductance, self.shape)
        outside = ~((targets >= least * (1.0 - 1e-9)) & (targets <= most * (1.0 + 1e-9)))
        if outside.any():
            faulty = tuple(np.argwhere(outside)[0])
            raise ValueError(
                f"conductance must lie in the window of its cell, got {targets[faulty]:.3g} S for cell "
                f"({faulty[0]}, {faulty[1]}) of {least[faulty]:.3g} to {most[faulty]:.3g} S; "
                f"{np.count_nonzero(outside)} of {outside.size} cells are outside"
            )
        self._amplitude = None
        self._gaps.program(self.core.gap(1.0 / targets.ravel(), voltage))
        self._programmed(self._places.ravel(), np.zeros(self._places.size, dtype=bool), 0.0)

    def apply(self, voltage: Floats, duration: float, where: Where = None) -> None:
        """Hold a voltage (V) for a duration (s); cycles are drawn at turns, not at pulses."""
        checks.at_least("duration", duration, 0, "s")
        places = np.atleast_1d(pick(self._places, where)).ravel()
        picked = self.shape if where is None else np.shape(self._places[where])
        volts = np.array(checks.spread("voltage", voltage, picked)).ravel()
        if not places.size or duration == 0.0:
            return
        self._check(volts)
        rise = _cold if self.temperature_rise is None else self.temperature_rise.reshape(-1)[places]
        turned, some_turned = self._gaps.advance(places, where is None, volts, duration, self._heat, rise)
        if some_turned:
            self._begin(places[turned])
        if self._telegraph is not None or self._relaxation is not None:
            self._programmed(places, turned, duration)
        self._forget(places, where is None)

    def _check(self, volts: Floats) -> None:
        """Refuse a voltage that is not finite; warn of one outside the card's box, once as it grows."""
        largest = max(float(volts.max()), -float(volts.min()))
        if not largest < np.inf:
            checks.finite("voltage", volts, "V")
        if self._card is not None and largest > self._largest:
            self._largest = largest
            self._card.check(voltage=float(volts[np.argmax(np.abs(volts))]))

    def _begin(self, at: Index) -> None:
        """Begin a half of a cycle in cells that have turned."""
        closing = self._gaps.begin(at)
        if self._draws is not None and closing.size:
            features, skipped = _next_cycle(self.core, self._draws, closing, self._places.size)
            self.skipped += skipped
            self._gaps.take(closing, features)

    def _programmed(self, at: Index, turned: NDArray[np.bool_], duration: float) -> None:
        """Tell the layers that these cells may be of another conductance after a pulse of some length (s)."""
        conductance = self.core.conductance(self._gaps.gap[at])
        if self._telegraph is not None:
            self._telegraph.switched(at, conductance, turned)
            self._telegraph.pass_time(duration, at)
        if self._relaxation is not None:
            self._relaxation.pulsed(at, conductance, duration)

    def _forget(self, places: Index, everywhere: bool) -> None:
        """Bring conductances up to date where gaps have moved."""
        if everywhere or self._amplitude is None:
            self._amplitude = None
            return
        self._amplitude[places] = self.core.amplitude(self._gaps.gap[places])
        if self._telegraph is not None:
            self._amplitude[places] *= self._telegraph.factor[places]

    def rest(self, duration: float) -> None:
        """Let time pass (s) at 0 V: telegraph noise goes on, conductances relax."""
        checks.at_least("duration", duration, 0, "s")
        if duration == 0.0:
            return
        if self._telegraph is not None:
            self._telegraph.pass_time(duration, None)
            self._amplitude = None
        if self._relaxation is not None:
            before = self.core.conductance(self._gaps.gap)
            after = self._relaxation.pass_time(duration, before, self._temperature)
            self._gaps.relax(after / before)
            self._amplitude = None


def _next_cycle(core: GapCore, draws: CycleSampler, at: Index, size: int) -> tuple[dict[str, Floats], int]:
    """Return the features of the next cycle of some cells that has a law, and how many cycles had none."""
    drawn = draws.cycle(None if np.array_equal(at, np.arange(size)) else at)
    features, total = {name: np.array(values) for name, values in drawn.items()}, 0
    for _ in range(MOST_SKIPPED):
        not_shown = ~core.shows(features)
        if not not_shown.any():
            return features, total
        total += int(not_shown.sum())
        for name, values in draws.cycle(at[not_shown]).items():
            features[name][not_shown] = values
    raise ValueError(
        f"{not_shown.sum()} cells drew {MOST_SKIPPED} cycles in a row whose hrs is not above their lrs: "
        "the card does not make a gap core"
    )

"""The temperatures of one device as they change in time, and the clock that follows them."""

from __future__ import annotations

import math

import numpy as np

from ..typing import Floats
from .fields._event_rates import EventRates
from .fields._heat_clock import HeatClock
from .fields.heat_in_time import GROWTH, WATCHED, HeatLattice, Stretch, stretch
from .lattice.lattice import Lateral, Lattice
from .materials.material import Material
from .solver import ArrangementHeat, PowerLine, Solved
from .thermal import Thermal

TOLERANCE = 0.04
"""Error of a temperature in a stretch of time, and difference from steady heat that counts as none (K)."""

LAG = 0.05
"""How far heat may lag behind a ramp and still be taken as steady (K)."""

UNSEEN = 1e-3
"""Hazard until a field has settled below which it is taken as settled at once."""

WAITS = 2.0
"""Length of a stretch, in waits at the rates of its beginning."""

EARLY = 0.1
"""Largest part of the hazard that is left that may fall before the temperatures of a stretch are bounded."""

SHORTEST = 1.0 / GROWTH
"""Shortest stretch (tau0): no site heats sooner."""

SETTLED_AFTER = 64.0
"""Longest stretch, in time constants of the bare oxide."""


class OxideHeat:
    """The field of a device whose heat takes time, and the waits in it.

    Power is constant while atoms and voltage stand, and a polynomial of time on a ramp; both are exact but
    for 0.04 K. A change whose hazard until it has settled is below 1e-3 is taken as settled, which bounds the
    error of the hazard; a ramp so slow that heat lags by less than 0.05 K has steady heat.

    Parameters
    ----------
    material : Material
        With a section ``heat`` that states the heat capacity.
    lattice : Lattice
    shape : tuple of int
        Host sites in x, y and z.
    lateral : {"periodic", "reflecting"}
        Sides of the box.
    thermal : Thermal
        Electrodes and surroundings.

    Attributes
    ----------
    lattice : HeatLattice
    field : ndarray
        Rise of the whole lattice and the reservoirs now, see `HeatLattice`.

    Raises
    ------
    ValueError
        The material has no heat capacity, or its heat is not that of a filament.
    """

    def __init__(
        self,
        material: Material,
        lattice: Lattice,
        shape: tuple[int, int, int],
        lateral: Lateral,
        thermal: Thermal,
    ) -> None:
        if material.has("interface"):
            raise ValueError(
                f"thermal.transient must be false for {material.name}: columns of a section [interface] have "
                "steady heat alone"
            )
        heat = material.heat
        if not heat.capacity > 0.0:
            raise ValueError(
                f"heat.capacity of {material.name} must be given (J/(m^3*K)) where thermal.transient is true"
            )
        self.lattice = HeatLattice(
            shape,
            lateral,
            conductivity=heat.conductivity,
            capacity=heat.capacity,
            spacing=material.lattice.spacing,
            thermal=thermal,
        )
        hosts = self.lattice.n_sites
        between = len(lattice.sublattice) > hosts
        self.corners = lattice.motifs["pair"][hosts:, :8] if between else np.zeros((0, 8), np.int32)
        self.beside = 0.5 * (1.0 - 1.0 / heat.ballistic_factor)
        self.field = self.lattice.zero()
        self._clock: HeatClock | None = None

    def rise(self, now: Solved) -> float:
        """Return the largest temperature rise (K) of a node."""
        assert now.heat is not None
        nodes = now.heat.network.nodes
        return float(now.heat.network.at_nodes(self.field)[: len(nodes)].max(initial=0.0))

    def everywhere(self) -> Floats:
        """Return the temperature rise (K) of every host site."""
        return self.lattice.everywhere(self.field)

    def restore(self, field: Floats) -> None:
        """Go on from a field of an oxide of the same size."""
        self.field, self._clock = np.array(field), None

    # ------------------------------------------------------------------ waits

    def wait(
        self, now: Solved, voltage: float, slope: float, duration: float, hazard: float
    ) -> tuple[float, float]:
        """Let time pass until the hazard is used up, or for a duration.

        Parameters
        ----------
        now : Solved
            Of the atoms that stand.
        voltage, slope : float
            Device voltage (V) and its slope (V/s).
        duration : float
            Time that may pass (s).
        hazard : float
            What is left of an Exp(1) draw.

        Returns
        -------
        elapsed : float
            Time to the event, or ``duration``.
        left : float
            Hazard left (0 when the event fell).
        """
        heat, events = now.heat, now.at(voltage, slope)
        assert heat is not None
        self._clock, passed, length = None, 0.0, 0.0
        line = heat.line(now, voltage, slope)
        follows = self._follows(heat, line, voltage, voltage + slope * duration, slope)
        while passed < duration:
            at, rest = voltage + slope * passed, duration - passed
            here = heat.readers.events(self.lattice.at(heat.readers.window, self.field))
            if follows and self._settles(line, events, at, rest, here):
                elapsed, left = events.advance(at, slope, rest, hazard)
                self.field = line.steady(at + slope * elapsed)
                self._clock = None
                return (duration if elapsed >= rest else passed + elapsed), left
            total = events.total_of(at, here)
            length = self._length(length, hazard / max(total, 1e-300), rest)
            while True:
                one = self._stretch(heat, line, at, slope, length)
                self._clock = self._clock_of(heat, events, one, here)
                # Before the first of the times that are watched, little of the hazard may be used up.
                early, left = self._clock.advance(
                    at, slope, 0.0, min(WATCHED[0] * length * self.lattice.time, rest), hazard
                )
                if hazard - left <= EARLY * hazard or length <= SHORTEST:
                    break
                length = min(self._length(0.0, early * hazard / (hazard - left), rest), length / GROWTH)
            end = min(length * self.lattice.time, rest)
            if left > 0.0 and early < end:
                early, left = self._clock.advance(at, slope, early, end, left)
            self.field, hazard = one.after(early / self.lattice.time), left
            if hazard == 0.0:
                return passed + early, 0.0
            passed = duration if early >= rest else passed + early
        return duration, hazard

    def event_rise(self, events: EventRates, voltage: float, chosen: int) -> float:
        """Return the temperature rise (K) that a candidate reads where the last wait ended."""
        return float(events.rises(voltage)[chosen]) if self._clock is None else self._clock.event_rise(chosen)

    def pick(self, events: EventRates, voltage: float, uniform: float) -> int:
        """Return the candidate that fires where the last wait ended, for a uniform draw in [0, 1)."""
        return events.pick(voltage, uniform) if self._clock is None else self._clock.pick(uniform)

    # ------------------------------------------------------------------ parts of a wait

    def _follows(
        self, heat: ArrangementHeat, line: PowerLine, first: float, last: float, slope: float
    ) -> bool:
        """Return whether heat lags behind the voltage by no more than is stated."""
        if slope == 0.0:
            return True
        # d(rise)/dV times the slope times the slowest time constant; rises are quadratic in the voltage.
        steep = max(
            float(np.abs(heat.network.at_nodes(line.steepness(at))).max(initial=0.0)) for at in (first, last)
        )
        return steep * abs(slope) * self.lattice.time / self.lattice.slowest <= LAG

    def _settles(
        self, line: PowerLine, events: EventRates, voltage: float, rest: float, here: Floats
    ) -> bool:
        """Return whether heat is steady, or the hazard until it is is negligible and the time is there."""
        # Where the next event may come first, what candidates read (`here`) says enough.
        may_come = events.total(voltage) * self.lattice.time > UNSEEN * self.lattice.slowest
        if may_come and np.abs(here - events.rises(voltage)).max(initial=0.0) > TOLERANCE:
            return False
        difference = self.field - line.steady(voltage)
        # No mode is slower than the slowest of the bare lattice, no site farther off than the norm says.
        norm = math.sqrt(float(difference @ (difference * self.lattice.mass)))
        settles = self.lattice.time / self.lattice.slowest * math.log(max(norm, TOLERANCE) / TOLERANCE)
        brief = settles <= rest and settles * events.total(voltage) <= UNSEEN
        if not brief and norm > TOLERANCE * self.lattice.root_mass:
            return False
        away = np.concatenate([self.lattice.everywhere(difference), self.lattice.of_reservoirs(difference)])
        if np.abs(away).max() <= TOLERANCE:
            return True
        # Nowhere is it warmer than steady by more than now where it is most.
        warmer = events.rises(voltage) + max(float(away.max()), 0.0)
        return brief and settles * events.total_of(voltage, warmer) <= UNSEEN

    def _length(self, before: float, wait: float, rest: float) -> float:
        """Return the length of the next stretch (tau0), of a few that the poles are kept for."""
        longest = min(WAITS * wait, rest) / self.lattice.time
        if before:
            longest = min(longest, before * GROWTH)
        longest = min(max(longest, SHORTEST), SETTLED_AFTER / self.lattice.slowest)
        return float(GROWTH ** math.ceil(math.log(longest, GROWTH) - 1e-9))

    def _stretch(
        self, heat: ArrangementHeat, line: PowerLine, voltage: float, slope: float, length: float
    ) -> Stretch:
        """Return the field over the next stretch, by the power at its middle or along its ramp."""
        # P(V) = (p0 + p1 V) V with V = voltage + turn s.
        turn = slope * self.lattice.time
        sources = [line.at(voltage)]
        if slope != 0.0:
            sources += [(line.power[0] + 2.0 * line.power[1] * voltage) * turn, line.power[1] * turn**2]
        return stretch(
            heat.network,
            self.field,
            [heat.network.source(one) for one in sources],
            length,
            heat.readers.window,
            TOLERANCE,
        )

    def _clock_of(self, heat: ArrangementHeat, events: EventRates, one: Stretch, here: Floats) -> HeatClock:
        """Return the clock of a stretch, at whose beginning candidates read rises (K)."""
        read = heat.readers
        modes = np.concatenate([read.events(part.read) for part in one.parts])
        return HeatClock(
            events,
            here,
            np.ascontiguousarray(modes),
            np.concatenate([part.rate for part in one.parts]),
            np.concatenate([np.full(len(part.rate), part.power, np.int32) for part in one.parts]),
            self.lattice.time,
        )

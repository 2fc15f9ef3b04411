"""What is asked of a device under a waveform: events that have a name, and when they have happened."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..checks import positive, whole
from ..kinetic.waveform import Waveform
from ..quantity import to_si
from ..validation import suggest


@dataclass(frozen=True, slots=True, kw_only=True)
class RareEvent:
    """What may happen to the conductance of a device at low voltage.

    Attributes
    ----------
    title : str
        In words.
    rises : bool
        Whether the edge is met from below.
    absent : bool
        Whether the event is that the edge is *not* met by the end: a pulse that fails.
    share : float or None
        Edge over the conductance at the start where none is given; None: it has to be found.
    part : float
        Factor of the voltages.
    either : bool
        Whether a share below 1 lets the edge be met from above instead.
    """

    title: str
    rises: bool
    absent: bool = False
    share: float | None = None
    part: float = 1.0
    either: bool = False


EVENTS = {
    "set fails": RareEvent(title="the conductance does not rise to the edge", rises=True, absent=True),
    "reset fails": RareEvent(title="the conductance does not fall to the edge", rises=False, absent=True),
    "state is lost": RareEvent(title="the conductance falls to the edge", rises=False, share=0.5),
    "read disturbs": RareEvent(title="the conductance meets the edge", rises=True, share=2.0, either=True),
    "half-select disturbs": RareEvent(
        title="the conductance meets the edge at half the voltage",
        rises=True,
        share=2.0,
        part=0.5,
        either=True,
    ),
}
"""Events by name: a first passage of the conductance under the waveform of one phase, or its absence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An event, its edge, and how much is spent on it.

    Parameters
    ----------
    event : str
        Name of one of `EVENTS`.
    conductance : float, optional
        Edge (S), the same for all devices.
    share : float, optional
        Edge over the conductance of each device at the start; above 1 it is met from below, else from above.
    particles : int
        Of each repeat, at least 2.
    kill : int
        Taken out in each stage at least.
    starts : int
        Devices that the particles of a repeat start from, 1 to ``particles``; one device serves several.
    floor : float
        Probability below which a repeat ends, 0 to 1: then only a bound is known.
    """

    event: str
    conductance: float | None = None
    share: float | None = None
    particles: int = 100
    kill: int = 10
    starts: int = 10
    floor: float = 0.0

    def __post_init__(self) -> None:
        if self.event not in EVENTS:
            raise ValueError(f"no event {self.event!r}{suggest(self.event, EVENTS)}")
        whole("particles", self.particles, 2)
        whole("kill", self.kill, 1, self.particles - 1)
        whole("starts", self.starts, 1, self.particles)
        for name, value in (("conductance", self.conductance), ("share", self.share)):
            if value is not None:
                positive(name, value)
        if self.share == 1.0:
            raise ValueError("share must be below 1 (fallen to) or above 1 (risen to), got 1")
        if self.share is not None and not self.what.either:
            if (self.share > 1.0) != self.what.rises:
                side = "above" if self.what.rises else "below"
                raise ValueError(f"share must be {side} 1 for {self.event!r}, got {self.share:g}")

    @property
    def what(self) -> RareEvent:
        """The event."""
        return EVENTS[self.event]

    @property
    def rises(self) -> bool:
        """Whether the edge is met from below."""
        return self.what.rises if self.share is None else self.share > 1.0

    def edge(self, start: float) -> float:
        """Return the conductance (S) at which a device counts as changed, from that at its start."""
        if self.conductance is not None:
            return self.conductance
        share = self.what.share if self.share is None else self.share
        if share is None:
            raise ValueError(f"{self.event!r} needs an edge: a conductance (S) or a share")
        return share * start

    def score(self, conductance: float, edge: float) -> float:
        """Return how far the edge has been met: ln of the ratio, at least 0 where it has."""
        ratio = math.log(max(conductance, 1e-300) / edge)
        return ratio if self.rises else -ratio

    def waveform(self, asked: Waveform) -> Waveform:
        """Return what is applied."""
        return asked.scaled(self.what.part) if self.what.part != 1.0 else asked


def listed() -> str:
    """Return the names of all events."""
    return ", ".join(repr(name) for name in EVENTS)


def at(text: str) -> Mapping[str, Any]:
    """Read an edge: "20 kohm" is a resistance, "0.5" a fraction of the conductance at the start.

    Raises
    ------
    ValueError
        It is neither.
    """
    try:
        return {"share": float(text)}
    except ValueError:
        pass
    try:
        return {"conductance": 1.0 / to_si(text, "ohm", 1e-3, 1e15)}
    except ValueError as error:
        raise ValueError(f"--at must be a resistance or a fraction of the conductance: {error}") from None

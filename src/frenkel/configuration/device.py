"""Configuration of a run: TOML with quantities as text and unit, checked and converted to SI.

A configuration names a material, gives the size of the device and its circuit, and lists the phases of
the protocol in their order::

    material = "HfO2"
    seed = 1

    [device]
    thickness = "5 nm"
    width = "5 nm"

    [[phase]]
    kind = "form"
    amplitude = "4.5 V"
    rate = "0.1 MV/s"
    compliance = "20 uA"

    [[phase]]
    kind = "cycle"
    repeat = 5

        [[phase.phase]]
        kind = "reset"
        amplitude = "-1.5 V"
        rate = "0.1 MV/s"
"""

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from .base import (
    ConfigurationError,
    Current,
    Document,
    Length,
    Rate,
    ReadVoltage,
    Resistance,
    Section,
    Seed,
    Temperature,
    Time,
    Title,
    Voltage,
    before_the_end,
    checked,
)
from .quantity import reads_all, to_si, writes

PHASE_LIMIT = 100_000  # phases after unrolling; more is a slip, and would not fit in memory

Times = Annotated[tuple[float, ...], reads_all("s", 0.0, 1e12), writes("s")]
Voltages = Annotated[tuple[float, ...], reads_all("V", -1000.0, 1000.0), writes("V")]
Limit = Annotated[
    float,
    BeforeValidator(lambda value: math.inf if value == "none" else to_si(value, "A", 1e-15, 1.0)),
    PlainSerializer(
        lambda value: "none" if value == math.inf else f"{value!r} A", when_used="json-unless-none"
    ),
]
"""Limit of the current; infinity, written "none", lifts one that holds otherwise."""


class DeviceSection(Section):
    """Size, sides and temperature of the device."""

    thickness: Length
    width: Length
    lateral: Literal["periodic", "reflecting"] = "periodic"
    temperature: Temperature = 300.0


class CircuitSection(Section):
    """Series resistance and limits of the current that hold where a phase says nothing else."""

    series_resistance: Resistance = 0.0
    compliance: Current | None = None
    polarity: Literal["positive", "negative", "both"] = "both"
    transistor: Current | None = None


class Verify(Section):
    """Repeat a phase until the resistance at the read voltage is below or above a target."""

    resistance: Resistance
    attempts: int = Field(default=5, ge=1, le=1000)


class EnsembleSection(Section):
    """How many devices, and what is kept of each; the result of a device does not depend on it."""

    members: int = Field(ge=1, le=2**31 - 1)
    keep: Literal["summary", "traces", "all"] = "traces"
    limit: Time | None = None


class _Phase(Section):
    name: Title = ""
    repeat: int = Field(default=1, ge=1, le=PHASE_LIMIT)
    compliance: Limit | None = None
    circuit: CircuitSection | None = None
    budget: int | None = Field(default=None, ge=1)  # events of the atoms in the phase
    samples: int = Field(default=200, ge=2, le=1_000_000)


class Sweep(_Phase):
    """Up to an amplitude and back to zero; with ``to_limit`` back as soon as the current limit is reached."""

    kind: Literal["form", "set", "reset", "triangle"]
    amplitude: Voltage
    rate: Rate
    fall_rate: Rate | None = None
    hold: Time | None = None
    to_limit: bool = False
    verify: Verify | None = None

    @model_validator(mode="after")
    def _check(self) -> "Sweep":
        if self.amplitude == 0:
            raise ValueError("amplitude must not be 0 V")
        return self


class Ramp(_Phase):
    """From one voltage to another."""

    kind: Literal["ramp"]
    start: Voltage = 0.0
    stop: Voltage
    rate: Rate

    @model_validator(mode="after")
    def _check(self) -> "Ramp":
        if self.stop == self.start:
            raise ValueError(
                f"stop must differ from start, both are {self.start:g} V; use kind constant to hold"
            )
        return self


class Pulse(_Phase):
    """Equal pulses with straight edges."""

    kind: Literal["pulse"]
    amplitude: Voltage
    width: Time
    rise: Time
    fall: Time | None = None
    count: int = Field(default=1, ge=1, le=1_000_000)
    period: Time | None = None

    @model_validator(mode="after")
    def _check(self) -> "Pulse":
        if self.count > 1 and self.period is None:
            raise ValueError("a train of several pulses needs a period")
        whole = self.rise + self.width + (self.rise if self.fall is None else self.fall)
        if self.period is not None and self.period < whole * (1 - 1e-12):
            raise ValueError(
                f"period must be at least rise + width + fall = {whole:g} s, got {self.period:g} s"
            )
        return self


class Constant(_Phase):
    """One voltage for some time; 0 V to let the device rest.

    With ``first`` the samples are spread evenly over the logarithm of the time, from there to the end. With
    ``to_share`` the phase ends as soon as the conductance has fallen to that share of what it was at its
    start; above 1, risen.
    """

    kind: Literal["constant"]
    voltage: Voltage
    duration: Time
    first: Time | None = None
    to_share: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _check(self) -> "Constant":
        if self.to_share == 1:
            raise ValueError("to_share must be below 1 (fallen to) or above 1 (risen to), got 1")
        before_the_end(self.first, self.duration)
        return self


class Points(_Phase):
    """Straight lines between given points."""

    kind: Literal["points"]
    times: Times = Field(min_length=2)
    voltages: Voltages = Field(min_length=2)

    @model_validator(mode="after")
    def _check(self) -> "Points":
        if len(self.times) != len(self.voltages):
            raise ValueError(
                f"times and voltages must be equally many, got {len(self.times)} and {len(self.voltages)}"
            )
        if self.times[0] != 0:
            raise ValueError(f"times must start at 0 s, got {self.times[0]:g} s")
        for i, (earlier, later) in enumerate(pairwise(self.times)):
            if not later > earlier:
                raise ValueError(
                    f"times must increase strictly, got {earlier:g} s and then {later:g} s "
                    f"at points {i + 1} and {i + 2}"
                )
        return self


Phase = Annotated[Sweep | Ramp | Pulse | Constant | Points, Field(discriminator="kind")]


class Cycle(Section):
    """A group of phases, repeated."""

    kind: Literal["cycle"]
    repeat: int = Field(default=1, ge=1, le=PHASE_LIMIT)
    phase: list[Phase] = Field(min_length=1)


AnyPhase = Annotated[Sweep | Ramp | Pulse | Constant | Points | Cycle, Field(discriminator="kind")]


class Configuration(Document):
    """Everything that a run is a function of.

    Attributes
    ----------
    title : str
        Heads the results.
    material : str
        Name of a packaged material, or of a TOML file beside the configuration.
    material_document : dict or None
        The material itself, as its file holds it; filled in when the configuration is recorded, so that a
        result can be made again without the file.
    seed : int or None
        0 to 2**63 - 1; drawn and recorded where it is missing.
    member : int
        Member of an ensemble.
    device, circuit : sections
    read_voltage : float
        Voltage at which resistances are read (V).
    phase : list
        The protocol.
    ensemble : section or None
        For runs of many devices; no part of :meth:`document`.
    """

    title: Title = ""
    material: str = Field(default="HfO2", min_length=1)
    material_document: dict[str, Any] | None = Field(default=None, repr=False)
    seed: Seed | None = None
    member: int = Field(default=0, ge=0, lt=2**31)
    read_voltage: ReadVoltage = 0.1
    device: DeviceSection
    circuit: CircuitSection = CircuitSection()
    phase: list[AnyPhase] = Field(min_length=1)
    ensemble: EnsembleSection | None = Field(default=None, exclude=True)

    def steps(self) -> Iterator[tuple[str, int, Sweep | Ramp | Pulse | Constant | Points]]:
        """Yield (name, cycle, phase) of every phase in its order, groups and repeats unrolled.

        The cycle counts all repeats of all groups from 1 and is 0 outside of groups.
        """
        cycle = 0
        for entry in self.phase:
            if not isinstance(entry, Cycle):
                yield from _repeats(entry, 0)
                continue
            for _ in range(entry.repeat):
                cycle += 1
                for inner in entry.phase:
                    yield from _repeats(inner, cycle)

    def count(self) -> int:
        """Return the number of phases after unrolling."""
        return sum(
            entry.repeat * (sum(inner.repeat for inner in entry.phase) if isinstance(entry, Cycle) else 1)
            for entry in self.phase
        )


def parse(document: Mapping[str, Any], origin: str = "the configuration") -> Configuration:
    """Check a configuration given as a dictionary.

    Raises
    ------
    ConfigurationError
        The first fault, naming the origin, the key and the value.
    """
    configuration = checked(Configuration, document, origin)
    if configuration.count() > PHASE_LIMIT:
        raise ConfigurationError(
            f"{origin}: the protocol must have at most {PHASE_LIMIT} phases, got {configuration.count()}"
        )
    return configuration


def _repeats(phase: Any, cycle: int) -> Iterator[tuple[str, int, Any]]:
    name = phase.name or phase.kind
    for number in range(1, phase.repeat + 1):
        marks = [str(cycle)] if cycle else []
        marks += [str(number)] if phase.repeat > 1 else []
        yield f"{name} {'.'.join(marks)}".strip(), cycle, phase

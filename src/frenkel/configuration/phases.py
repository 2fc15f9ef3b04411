"""Phases of a protocol: what a configuration says of each, its waveform, and when it ends."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator, model_validator

from ..checks import BRIGHTEST, COLDEST, HOTTEST, between
from ..kinetic.circuit import Circuit
from ..kinetic.heating import TemperatureRamp
from ..kinetic.waveform import Waveform
from ..quantity import all_to_si, to_si
from .base import (
    RATES,
    TIMES,
    Current,
    Rate,
    Resistance,
    Section,
    Temperature,
    Time,
    Title,
    Voltage,
    before_the_end,
    checked,
)
from .quantity import NoneOr, reads, reads_all, writes

if TYPE_CHECKING:
    from ..kinetic.device import Device

PHASE_LIMIT = 100_000  # phases after unrolling; more is a slip, and would not fit in memory
HOLD_SAMPLES = 20
MOST_SNAPSHOTS = 10_000  # within a phase; some 10 kB each
REACHED = 1 - 1e-9  # of the compliance; the clamp holds it to rounding

Planned = tuple[Waveform, int]
Test = Callable[["Device", float], bool]
Times = Annotated[tuple[float, ...], reads_all("s", 0.0, 1e12), writes("s")]
Voltages = Annotated[tuple[float, ...], reads_all("V", -1000.0, 1000.0), writes("V")]
Compliance = Annotated[
    float,
    BeforeValidator(NoneOr("A", 1e-15, 1.0)),
    PlainSerializer(
        lambda value: "none" if value == math.inf else f"{value!r} A", when_used="json-unless-none"
    ),
]
"""Largest current (A); infinity, written "none", lifts one that holds otherwise."""


class TemperatureChange(Section):
    """A temperature that is linear in time, from the start of a phase to its end."""

    start: Temperature
    stop: Temperature


def _read_temperature(value: Any) -> float | tuple[float, ...] | TemperatureChange:
    """Return the temperature of a phase: a value, a list of values, or a table with start and stop."""
    if isinstance(value, Mapping):
        return checked(TemperatureChange, value, "temperature")
    if isinstance(value, list | tuple) or (isinstance(value, str) and "," in value):
        return all_to_si(value, "K", COLDEST, HOTTEST)
    return to_si(value, "K", COLDEST, HOTTEST)


def _write_temperature(value: float | tuple[float, ...] | TemperatureChange) -> str | dict[str, Any]:
    if isinstance(value, TemperatureChange):
        return value.model_dump(mode="json")
    numbers = value if isinstance(value, tuple) else (value,)
    return f"{', '.join(map(repr, numbers))} K"


PhotonFlux = Annotated[float, reads("1/(m^2*s)", 0.0, BRIGHTEST), writes("1/(m^2*s)")]
PhaseTemperature = Annotated[
    float | tuple[float, ...] | TemperatureChange,
    PlainValidator(_read_temperature),
    PlainSerializer(_write_temperature, when_used="json-unless-none"),
]
"""Temperature of the electrodes (K); of several values one for each time that the phase is applied."""


class CircuitSection(Section):
    """Series resistance and compliance, of source or transistor, where a phase says nothing else."""

    series_resistance: Resistance = 0.0
    compliance: Current | None = None
    polarity: Literal["positive", "negative", "both"] = "both"
    transistor: Current | None = None

    @classmethod
    def of(cls, circuit: Circuit) -> "CircuitSection":
        """Return a circuit as a section."""
        fields: dict[str, Any] = {
            key: value if isinstance(value, str | None) else float(value)
            for key, value in asdict(circuit).items()
        }
        return cls.model_construct(**fields)

    def circuit(self, compliance: float | None = None) -> Circuit:
        """Return the circuit of a phase; a compliance of its own (A) counts in both directions."""
        fields = dict(self)
        if compliance is not None:
            fields |= {"compliance": None if math.isinf(compliance) else compliance, "polarity": "both"}
        return Circuit(**fields)


class Verify(Section):
    """Repeat a phase until the resistance at the read voltage is below or above a target."""

    resistance: Resistance
    attempts: int = Field(default=5, ge=1, le=1000)


class Phase(Section):
    """A part of a protocol, and how a device carries it out.

    With ``temperature`` the electrodes have another one while it lasts; it is read at that of the device.
    With ``light``, a flux of absorbed photons, mobile ions hop faster while it lasts; it is read in the dark.
    """

    name: Title = ""
    repeat: int = Field(default=1, ge=1, le=PHASE_LIMIT)
    compliance: Compliance | None = None
    circuit: CircuitSection | None = None
    budget: int | None = Field(default=None, ge=1)  # events of the atoms in the phase
    samples: int = Field(default=200, ge=2, le=1_000_000)
    # Within the phase, besides those between its parts; None, so that documents without them keep their hash.
    snapshots: int | None = Field(default=None, ge=1, le=MOST_SNAPSHOTS)
    temperature: PhaseTemperature | None = None
    light: PhotonFlux | None = None

    parts: ClassVar[int] = 1

    @property
    def temperature_ends(self) -> tuple[float, float] | None:
        """Temperature (K) at its start and at its end; None: that of the device."""
        if isinstance(self.temperature, TemperatureChange):
            return self.temperature.start, self.temperature.stop
        return None if self.temperature is None else (self.temperatures[0], self.temperatures[0])

    @property
    def temperatures(self) -> tuple[float, ...]:
        """Every temperature (K) that it names."""
        if isinstance(self.temperature, TemperatureChange):
            return self.temperature.start, self.temperature.stop
        if self.temperature is None:
            return ()
        return self.temperature if isinstance(self.temperature, tuple) else (self.temperature,)

    def at_turn(self, turn: int) -> Self:
        """Return the phase as it is applied for a time, from 0: with its temperature of a list."""
        if not isinstance(self.temperature, tuple):
            return self
        return self.model_copy(update={"temperature": self.temperature[turn]})

    def check_turns(self, turns: int) -> None:
        """Raise ValueError unless a list of temperatures has one for each time that the phase is applied."""
        if isinstance(self.temperature, tuple) and len(self.temperature) != turns:
            raise ValueError(
                f"temperature must have one value for each of {turns} repeats, got {len(self.temperature)}"
            )

    def pieces(self) -> list[Self]:
        """Return the phases that it stands for, each of which is read at its end."""
        return [self]

    def part(self, number: int, origin: float) -> Planned | None:
        """Return waveform and number of samples of one part, None if there is nothing to do.

        Parameters
        ----------
        number : int
            From 0.
        origin : float
            Source voltage at the start of the part (V).
        """
        raise NotImplementedError

    def marks(self) -> list[float]:
        """Return times (s) at which samples must lie, none where they lie evenly along the path."""
        return []

    def ends(self, part: int, compliance: float | None, conductance: float) -> Test | None:
        """Return the test of device and current (A) that ends a part early, if there is one.

        Parameters
        ----------
        part : int
        compliance : float or None
            Largest current (A) of source or transistor.
        conductance : float
            Of the device as the part began (S).
        """
        return None

    def unmet(self, attempt: int, resistance: float) -> bool:
        """Tell whether to apply the phase again after an attempt that left a resistance (ohm)."""
        return False


class Sweep(Phase):
    """Up to an amplitude and back to zero; held at the compliance while the source goes on.

    With ``to_compliance`` it turns back at the instant of the limit: the low resistance is then what a single
    event left, with two modes and a spread of 0.4 decades from cycle to cycle instead of 0.06.
    """

    kind: Literal["form", "set", "reset", "triangle"]
    amplitude: Voltage
    rate: Rate
    fall_rate: Rate | None = None
    hold: Time | None = None
    to_compliance: bool = False
    verify: Verify | None = None

    parts: ClassVar[int] = 3  # up, hold, down

    @property
    def step(self) -> float:
        """Distance (V) of samples on the way up."""
        rising = 1.0 / (1.0 + self.rate / (self.fall_rate or self.rate))  # fraction of the samples
        return abs(self.amplitude) / (rising * self.samples)

    @model_validator(mode="after")
    def _check(self) -> "Sweep":
        if self.amplitude == 0:
            raise ValueError("amplitude must not be 0 V")
        self._check_temperature(self.temperature)
        return self

    @staticmethod
    def _check_temperature(temperature: float | tuple[float, ...] | TemperatureChange | None) -> None:
        if isinstance(temperature, TemperatureChange):
            raise ValueError(
                "temperature must be one value in a phase whose end the device decides; it may change in "
                "those of kind constant, ramp, pulse and points"
            )

    @classmethod
    def of(
        cls, waveform: Waveform, common: Phase, *, to_compliance: bool = True, verify: Verify | None = None
    ) -> "Sweep":
        """Return a waveform from 0 V up and back as a phase that turns at the compliance, or is repeated."""
        times, voltages = waveform.times, waveform.voltages
        top = voltages[1]
        if top == 0.0 or voltages not in ((0.0, top, 0.0), (0.0, top, top, 0.0)):
            option = "to_compliance" if to_compliance else "verify"
            raise ValueError(
                f"{option} needs a waveform from 0 V up and back to 0 V, such as Waveform.triangle; "
                f"got {len(voltages)} points from {voltages[0]:g} to {voltages[-1]:g} V"
            )
        cls._check_temperature(common.temperature)
        rate, fall_rate = abs(top) / times[1], abs(top) / (times[-1] - times[-2])
        hold = times[2] - times[1] if len(times) == 4 else None
        between("rate of the waveform", [rate, fall_rate], *RATES, "V/s")
        between("plateau of the waveform", 1.0 if hold is None else hold, *TIMES, "s")
        return cls.model_construct(
            **dict(common), kind=named_kind(common.name) or "triangle", amplitude=top, rate=rate,
            fall_rate=fall_rate, hold=hold, to_compliance=to_compliance, verify=verify,
        )  # fmt: skip

    def part(self, number: int, origin: float) -> Planned | None:
        half_samples = max(self.samples // 2, 2)
        if number == 0:
            return Waveform.ramp(self.amplitude, self.rate), half_samples
        if number == 1:
            return (Waveform.constant(origin, self.hold), HOLD_SAMPLES) if self.hold else None
        if origin == 0.0:
            return None
        return Waveform.ramp(0.0, self.fall_rate or self.rate, start=origin), half_samples

    def ends(self, part: int, compliance: float | None, conductance: float) -> Test | None:
        if not (self.to_compliance and part == 0 and compliance):
            return None
        return lambda _, current: abs(current) >= REACHED * compliance

    def unmet(self, attempt: int, resistance: float) -> bool:
        verify = self.verify
        return verify is not None and attempt < verify.attempts and not self.passes(resistance)

    def passes(self, resistance: float) -> bool:
        """Tell whether a resistance (ohm) meets the target: above it after RESET, else below."""
        target = math.inf if self.verify is None else self.verify.resistance
        return resistance >= target if self.kind == "reset" else resistance <= target


class Ramp(Phase):
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

    def part(self, number: int, origin: float) -> Planned:
        return Waveform.ramp(self.stop, self.rate, start=self.start), self.samples


class Pulse(Phase):
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
        duration = self.rise + self.width + (self.rise if self.fall is None else self.fall)
        if self.period is not None and self.period < duration * (1 - 1e-12):
            raise ValueError(
                f"period must be at least rise + width + fall = {duration:g} s, got {self.period:g} s"
            )
        return self

    def part(self, number: int, origin: float) -> Planned:
        previous = self.amplitude, self.width
        if self.count == 1:
            return Waveform.pulse(*previous, self.rise, fall=self.fall), self.samples
        assert self.period is not None
        return Waveform.train(*previous, self.period, self.count, self.rise, fall=self.fall), self.samples


class Constant(Phase):
    """One voltage for some time; 0 V to let the device rest.

    With ``first`` the samples are spread evenly over the logarithm of the time, from there to the end. With
    ``to_share`` the phase ends as soon as the conductance has fallen to that fraction of what it was at its
    start; above 1, risen. With ``reads`` it is a phase for each of so many intervals, whose ends are spread
    as samples are: the device is read there at its own temperature, as a bake is taken out of the oven.
    """

    kind: Literal["constant"]
    voltage: Voltage
    duration: Time
    first: Time | None = None
    to_share: float | None = Field(default=None, gt=0)
    reads: int | None = Field(default=None, ge=2, le=1000)

    @model_validator(mode="after")
    def _check(self) -> "Constant":
        if self.reads is not None and (self.first is None or self.to_share is not None):
            what = "come with the time of the first" if self.first is None else "be without to_share"
            raise ValueError(f"reads must {what}")
        if self.to_share == 1:
            raise ValueError("to_share must be below 1 (fallen to) or above 1 (risen to), got 1")
        before_the_end(self.first, self.duration)
        return self

    def pieces(self) -> list[Self]:
        if self.reads is None or self.first is None:
            return [self]
        ends = [0.0, *np.geomspace(self.first, self.duration, self.reads).tolist()]
        alone = {"reads": None, "first": None, "repeat": 1, "samples": 2}
        return [
            self._between(early, late).model_copy(
                update=alone | {"duration": late - early}
            )
            for early, late in pairwise(ends)
        ]

    def _between(self, begin: float, end: float) -> Self:
        """Return the phase with what its temperature is between two times (s) of it."""
        change = self.temperature
        if not isinstance(change, TemperatureChange):
            return self
        ramp = TemperatureRamp(change.start, change.stop, self.duration)
        part = TemperatureChange.model_construct(start=ramp.at(begin), stop=ramp.at(end))
        return self.model_copy(update={"temperature": part})

    def part(self, number: int, origin: float) -> Planned:
        return Waveform.constant(self.voltage, self.duration), self.samples

    def marks(self) -> list[float]:
        if self.first is None:
            return []
        return [0.0, *np.geomspace(self.first, self.duration, max(self.samples - 1, 2)).tolist()]

    def ends(self, part: int, compliance: float | None, conductance: float) -> Test | None:
        share = self.to_share
        if share is None:
            return None
        edge = share * conductance
        if share < 1:
            return lambda device, _: device.conductance <= edge
        return lambda device, _: device.conductance >= edge


class Points(Phase):
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

    @classmethod
    def of(cls, waveform: Waveform, common: Phase) -> "Points":
        """Return any waveform as a phase."""
        return cls.model_construct(
            **dict(common), kind="points", times=waveform.times, voltages=waveform.voltages
        )

    def part(self, number: int, origin: float) -> Planned:
        return Waveform.points(self.times, self.voltages), self.samples


AnyPhase = Annotated[Sweep | Ramp | Pulse | Constant | Points, Field(discriminator="kind")]


class Cycle(Section):
    """A group of phases, repeated."""

    kind: Literal["cycle"]
    repeat: int = Field(default=1, ge=1, le=PHASE_LIMIT)
    phase: list[AnyPhase] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> "Cycle":
        check_turns(self.phase, self.repeat)
        return self


def check_turns(phases: Sequence[Phase | Cycle], turns: int | None = None, key: str = "phase") -> None:
    """Raise ValueError unless a list of temperatures of a phase has one for each time that it is applied.

    Parameters
    ----------
    phases : sequence of Phase or Cycle
        A group has checked those in it.
    turns : int, optional
        How often each is applied; as often as it says itself by default.
    key : str
        What errors call a phase.
    """
    for number, phase in enumerate(phases, 1):
        if isinstance(phase, Cycle):
            continue
        try:
            phase.check_turns(phase.repeat if turns is None else turns)
        except ValueError as error:
            raise ValueError(f"{key} {number}.{error}") from None


def kind_of(name: str, phase: AnyPhase) -> str:
    """Return the kind of a phase for results; points named form, set or reset count as such."""
    return named_kind(name) or phase.kind if isinstance(phase, Points) else phase.kind


def named_kind(name: str) -> str:
    """Return the kind of a phase that its name begins with: form, set, reset, or nothing."""
    first = name.split()[0].lower() if name.split() else ""
    return first if first in ("form", "set", "reset") else ""

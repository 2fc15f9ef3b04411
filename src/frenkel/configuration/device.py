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

import difflib
import math
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)

from .quantity import reads, reads_all, to_si, writes

PHASE_LIMIT = 100_000  # phases after unrolling; more is a slip, and would not fit in memory


class ConfigurationError(ValueError):
    """A configuration is wrong; the message is one sentence naming file, key and value."""


Length = Annotated[float, reads("m", 1e-10, 1e-6), writes("m")]
Time = Annotated[float, reads("s", 1e-18, 1e12), writes("s")]
Times = Annotated[tuple[float, ...], reads_all("s", 0.0, 1e12), writes("s")]
Voltage = Annotated[float, reads("V", -1000.0, 1000.0), writes("V")]
Voltages = Annotated[tuple[float, ...], reads_all("V", -1000.0, 1000.0), writes("V")]
ReadVoltage = Annotated[float, reads("V", 1e-6, 10.0), writes("V")]
Rate = Annotated[float, reads("V/s", 1e-12, 1e18), writes("V/s")]
Current = Annotated[float, reads("A", 1e-15, 1.0), writes("A")]
Limit = Annotated[
    float,
    BeforeValidator(lambda value: math.inf if value == "none" else to_si(value, "A", 1e-15, 1.0)),
    PlainSerializer(
        lambda value: "none" if value == math.inf else f"{value!r} A", when_used="json-unless-none"
    ),
]
"""Limit of the current; infinity, written "none", lifts one that holds otherwise."""
Resistance = Annotated[float, reads("ohm", 0.0, 1e12), writes("ohm")]
Temperature = Annotated[float, reads("K", 1.0, 3000.0), writes("K")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DeviceSection(_Section):
    """Size, sides and temperature of the device."""

    thickness: Length
    width: Length
    lateral: Literal["periodic", "reflecting"] = "periodic"
    temperature: Temperature = 300.0


class CircuitSection(_Section):
    """Series resistance and limits of the current that hold where a phase says nothing else."""

    series_resistance: Resistance = 0.0
    compliance: Current | None = None
    polarity: Literal["positive", "negative", "both"] = "both"
    transistor: Current | None = None


class Verify(_Section):
    """Repeat a phase until the resistance at the read voltage is below or above a target."""

    resistance: Resistance
    attempts: int = Field(default=5, ge=1, le=1000)


class EnsembleSection(_Section):
    """How many devices, and what is kept of each; the result of a device does not depend on it."""

    members: int = Field(ge=1, le=2**31 - 1)
    keep: Literal["summary", "traces", "all"] = "traces"
    limit: Time | None = None


class _Phase(_Section):
    name: str = Field(default="", max_length=200)
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
        if self.first is not None and not self.first < self.duration:
            raise ValueError(
                f"first must be before the end of the phase, {self.duration:g} s, got {self.first:g} s"
            )
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


class Cycle(_Section):
    """A group of phases, repeated."""

    kind: Literal["cycle"]
    repeat: int = Field(default=1, ge=1, le=PHASE_LIMIT)
    phase: list["Phase"] = Field(min_length=1)


Phase = Annotated[Sweep | Ramp | Pulse | Constant | Points, Field(discriminator="kind")]
AnyPhase = Annotated[Sweep | Ramp | Pulse | Constant | Points | Cycle, Field(discriminator="kind")]
KINDS = ("form", "set", "reset", "triangle", "ramp", "pulse", "constant", "points", "cycle")


class Configuration(_Section):
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

    title: str = Field(default="", max_length=200)
    material: str = Field(default="HfO2", min_length=1)
    material_document: dict[str, Any] | None = None
    seed: int | None = Field(default=None, ge=0, lt=2**63)
    member: int = Field(default=0, ge=0, lt=2**31)
    read_voltage: ReadVoltage = 0.1
    device: DeviceSection
    circuit: CircuitSection = CircuitSection()
    phase: list[AnyPhase] = Field(min_length=1)
    ensemble: EnsembleSection | None = Field(default=None, exclude=True)

    def document(self) -> dict[str, Any]:
        """Return the configuration as JSON values, defaults included; :func:`parse` reads it back."""
        return self.model_dump(mode="json", exclude_none=True)

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


def read(path: str | Path, changes: Sequence[str] = ()) -> Any:
    """Read a configuration file: of a device, or with a table [array] of an array.

    Parameters
    ----------
    path : str or Path
    changes : sequence of str
        "key=value" each, with dots between levels and numbers for the places in a list, from 0:
        ``device.width=8 nm``, ``phase.0.amplitude=5 V``.

    Raises
    ------
    ConfigurationError
        The first fault, naming file, key and value.
    """
    source = Path(path)
    try:
        document = tomllib.loads(source.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(f"there is no file {source}") from None
    except OSError as error:
        raise ConfigurationError(f"{source} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{source} is not a TOML file: it holds no text") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{source} is not a TOML file: {error}") from None
    for change in changes:
        _apply(document, change)
    if "array" in document:
        from . import array as array_configuration

        return array_configuration.parse(document, str(source))
    return parse(document, str(source))


def parse(document: Mapping[str, Any], origin: str = "the configuration") -> Configuration:
    """Check a configuration given as a dictionary.

    Raises
    ------
    ConfigurationError
        The first fault, naming the origin, the key and the value.
    """
    try:
        configuration = Configuration.model_validate(dict(document))
    except ValidationError as error:
        raise ConfigurationError(f"{origin}: {_sentence(error)}") from None
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


def _apply(document: dict[str, Any], change: str) -> None:
    """Set one value of a document from "key=value"."""
    key, equals, text = change.partition("=")
    if not equals or not key.strip():
        raise ConfigurationError(f"--set must be key=value, got {change!r}")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()  # "8 nm" needs no quotes on the command line
    *path, last = key.strip().split(".")
    place: Any = document
    for part in path:
        place = _inside(place, part, change)
    _inside(place, last, change)
    place[int(last) if isinstance(place, list) else last] = value


def _inside(place: Any, part: str, change: str) -> Any:
    if isinstance(place, list):
        if not part.isdigit() or int(part) >= len(place):
            raise ConfigurationError(f"--set {change}: {part!r} must be a number from 0 to {len(place) - 1}")
        return place[int(part)]
    if not isinstance(place, dict):
        raise ConfigurationError(f"--set {change}: there is nothing inside a value to set ({part!r})")
    return place.setdefault(part, {})


def _kept(part: Any, before: Any) -> bool:
    """Return whether a part of a place is a key of the file, not the kind of a section."""
    return part not in KINDS


def _sentence(
    error: ValidationError,
    known_keys: Callable[[Sequence[Any]], list[str]] | None = None,
    kept: Callable[[Any, Any], bool] = _kept,
    kinds: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """Put the first fault that pydantic found into one sentence."""
    faults = error.errors(include_url=False)
    # A union reports its other branches too; the deepest place is the one the user meant.
    fault = max(faults, key=lambda one: (one["type"] == "value_error", len(one["loc"])))
    place: list[Any] = []
    before = ""
    for part in fault["loc"]:
        if kept(part, before) and not str(part).startswith(("float", "function")):
            place.append(part)
        before = part if isinstance(part, str) else before
    where, kind, value = _place(place), fault["type"], fault.get("input")
    if kind == "extra_forbidden":
        known = (known_keys or _known_keys)(fault["loc"])
        near = difflib.get_close_matches(str(place[-1]), known, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        return f"unknown key {where}{hint}; there are: {', '.join(known)}"
    if kind == "missing":
        return f"{where} is missing"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        given = value.get("kind") if isinstance(value, Mapping) else None
        got = "is missing" if given is None else f"must not be {given!r}"
        last = next((str(one) for one in reversed(place) if isinstance(one, str)), "")
        return f"{where}.kind {got}; there are: {', '.join((kinds or {}).get(last, KINDS))}"
    if kind == "model_type":
        return f"{where} must be a section with keys of its own, got {value!r}"
    message = fault["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if kind == "value_error":
        return f"{where} {message}" if message.startswith(("must", "needs")) else f"{where}: {message}"
    if message.startswith("input should"):
        return f"{where} must{message.removeprefix('input should')}, got {value!r}"
    return f"{where}: {message}, got {value!r}"


def _place(parts: Sequence[Any]) -> str:
    """Write a path as in a TOML file, list places counted from 1: "phase 2, rate"."""
    text = ""
    for part in parts:
        text += f" {part + 1}" if isinstance(part, int) else (f".{part}" if text else str(part))
    return text


def _known_keys(place: Sequence[Any]) -> list[str]:
    """Return the keys that the section of an unknown key may have."""
    inner: dict[str, type[BaseModel]] = {
        "device": DeviceSection,
        "circuit": CircuitSection,
        "verify": Verify,
        "ensemble": EnsembleSection,
    }
    kinds: dict[str, type[BaseModel]] = {
        "form": Sweep,
        "set": Sweep,
        "reset": Sweep,
        "triangle": Sweep,
        "ramp": Ramp,
        "pulse": Pulse,
        "constant": Constant,
        "points": Points,
        "cycle": Cycle,
    }
    model: type[BaseModel] = Configuration
    for part in place[:-1]:
        model = (inner | kinds).get(str(part), model)
    hidden = {"material_document"}
    return [name for name in model.model_fields if name not in hidden]

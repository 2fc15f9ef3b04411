"""Configuration of a run: TOML with quantities as text and unit, checked and converted to SI.

A configuration names a material (a table ``[material]`` may change its numbers, see `material`), gives the
size of the device and its circuit, and lists the phases of the protocol in their order::

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

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from ..kinetic.materials.material import Material
from ..provenance import MOST_MEMBERS
from .base import (
    ConfigurationError,
    Document,
    Length,
    ReadVoltage,
    Section,
    Seed,
    Temperature,
    Time,
    Title,
    checked,
)
from .layers import LayerSection, documents_of, layers_of
from .material import AnyMaterial, MaterialSection, is_number
from .measure import MeasureSection
from .phases import (
    PHASE_LIMIT,
    AnyPhase,
    CircuitSection,
    Constant,
    Cycle,
    Phase,
    Points,
    Pulse,
    Ramp,
    Sweep,
    TemperatureChange,
    check_turns,
)
from .population import PopulationSection
from .thermal import ThermalSection

Entry = Annotated[Sweep | Ramp | Pulse | Constant | Points | Cycle, Field(discriminator="kind")]


class DeviceSection(Section):
    """Size, sides and temperature of the device, and its layers where it has several.

    Attributes
    ----------
    thickness : float or None
        Of the oxide (m); left out where there are layers, whose thicknesses it is the sum of.
    layer : list or None
        From bottom to top; see `layers`.
    """

    thickness: Length | None = None
    width: Length
    lateral: Literal["periodic", "reflecting"] = "periodic"
    temperature: Temperature = 300.0
    layer: list[LayerSection] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_thickness(self) -> "DeviceSection":
        if self.thickness is None and self.layer is None:
            raise ValueError("needs a thickness, or layers with one each")
        if self.thickness is not None and self.layer is not None:
            raise ValueError("needs either a thickness or layers, got both")
        return self

    @property
    def height(self) -> float:
        """Thickness of all layers together (m)."""
        if self.layer is not None:
            return float(sum(layer.thickness for layer in self.layer))
        return float(self.thickness or 0.0)

    @property
    def bases(self) -> list[str]:
        """Names of the materials that layers are based on, "" for that of the device."""
        return [layer.material.base for layer in self.layer or ()]

    def arguments(self, documents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return size, sides, temperature and layers as arguments of a device.

        Parameters
        ----------
        documents : mapping, optional
            Recorded documents of the materials that layers are based on, by name.
        """
        options = {name: getattr(self, name) for name in ("width", "lateral", "temperature")}
        return {"thickness": self.height} | options | layers_of(self.layer, documents)


class EnsembleSection(Section):
    """How many devices, and what is kept of each; the result of a device does not depend on it."""

    members: int = Field(ge=1, le=MOST_MEMBERS)
    keep: Literal["summary", "traces", "all"] = "traces"
    keep_state: bool = False
    limit: Time | None = None


class Configuration(Document):
    """Everything that a run is a function of.

    Attributes
    ----------
    title : str
        Heads the results.
    material : section
        A packaged material or a TOML file beside the configuration, and what changes in it; see `material`.
    material_document : dict or None
        What the file of the material holds, without what ``material`` changes; filled in when the
        configuration is recorded, so that a result can be made again without the file.
    layer_documents : dict or None
        The same of the packaged materials that layers are based on, by name.
    seed : int or None
        0 to 2**63 - 1; drawn and recorded where it is missing.
    member : int
        Member of an ensemble.
    device, circuit : sections
    thermal : section or None
        Heat in time, and electrodes whose temperature changes; see `thermal`.
    read_voltage : float
        Voltage at which resistances are read (V).
    phase : list
        The protocol.
    population : section or None
        Numbers that differ from member to member; see `population`. ``points.Members`` gives each its own.
    measure : section or None
        What an ensemble looks at in each device beside the protocol; see `measure`.
    ensemble : section or None
        For runs of many devices; no part of :meth:`document`.
    """

    title: Title = ""
    material: AnyMaterial = MaterialSection(base="HfO2")
    material_document: dict[str, Any] | None = Field(default=None, repr=False)
    layer_documents: dict[str, dict[str, Any]] | None = Field(default=None, repr=False)
    seed: Seed | None = None
    member: int = Field(default=0, ge=0, lt=MOST_MEMBERS)
    read_voltage: ReadVoltage = 0.1
    device: DeviceSection
    circuit: CircuitSection = CircuitSection()
    thermal: ThermalSection | None = None
    phase: list[Entry] = Field(min_length=1)
    population: PopulationSection | None = None
    measure: MeasureSection | None = None
    ensemble: EnsembleSection | None = Field(default=None, exclude=True)

    @field_validator("population", mode="before")
    @classmethod
    def _none(cls, given: Any) -> Any:
        """Read "none": members are alike, whatever widths their material ships."""
        return {"shipped": False} if given == "none" else given

    @field_validator("population")
    @classmethod
    def _drawn(cls, section: PopulationSection | None) -> PopulationSection | None:
        if section is not None:
            section.check(cls)
        return section

    @model_validator(mode="before")
    @classmethod
    def _take_ambient(cls, document: Any) -> Any:
        """Take `thermal.ambient` for what it is, the temperature of the device."""
        thermal, device = (
            document.get(key) if isinstance(document, Mapping) else None for key in ("thermal", "device")
        )
        if not (isinstance(thermal, Mapping) and "ambient" in thermal and isinstance(device, Mapping)):
            return document
        if "temperature" in device:
            raise ValueError("thermal.ambient and device.temperature are the same: give only one of them")
        others = {key: value for key, value in thermal.items() if key != "ambient"}
        taken = {**document, "device": {**device, "temperature": thermal["ambient"]}, "thermal": others}
        return taken if others else {key: value for key, value in taken.items() if key != "thermal"}

    @model_validator(mode="after")
    def _check_temperatures(self) -> "Configuration":
        in_time = self.thermal is not None and self.thermal.transient
        if in_time and self.measure is not None:
            raise ValueError("thermal.transient must be false with measure, which takes heat as steady")
        for number, entry in enumerate(self.phase, 1):
            inner = entry.phase if isinstance(entry, Cycle) else [entry]
            if in_time and any(isinstance(phase.temperature, TemperatureChange) for phase in inner):
                raise ValueError(
                    f"thermal.transient must be false where a temperature is a ramp, phase {number} has one"
                )
            if self.measure is not None and any(phase.temperatures for phase in inner):
                raise ValueError(
                    f"measure must be without temperatures of phases, phase {number} has one: states are "
                    "surveyed at the temperature of the device"
                )
            if self.measure is not None and any(phase.light for phase in inner):
                raise ValueError(
                    f"measure must be without light of phases, phase {number} has it: states are surveyed in "
                    "the dark"
                )
        check_turns(self.phase)
        return self

    @model_validator(mode="after")
    def _check_drawn(self) -> "Configuration":
        if self.population is not None:
            self.check_drawn(self.population)
        return self

    def with_shipped(self, folder: Path) -> "Configuration":
        """Return the configuration of an ensemble: without a table ``population`` the material's own one holds.

        A device of layers has none.
        """
        if self.population is not None or self.device.layer is not None:
            return self
        if not self.made_of(folder).population:
            return self
        return self.model_copy(update={"population": PopulationSection(shipped=True)})

    def check_drawn(self, population: PopulationSection) -> None:
        """Raise ConfigurationError or ValueError where a number that a population draws changes nothing."""
        for key in population.laws:
            self.check_number(key)
            if self.device.layer is not None and is_number(key) == ("lattice", "spacing"):
                raise ValueError(
                    f"population: {key} cannot be drawn where a device has layers, whose thicknesses are "
                    "whole numbers of spacings; draw device.layer.0.thickness"
                )
            if key.startswith("circuit."):
                self._check_circuit(key)

    def _check_circuit(self, key: str) -> None:
        """Raise an error where a drawn number of the circuit does not reach a phase, or a compliance none."""
        phases = [(name, phase) for name, _, phase in self.phases()]
        own = [name for name, phase in phases if phase.circuit is not None]
        if own:
            raise ValueError(
                f"population: {key} is drawn, but phase {own[0]} has a circuit of its own: leave that out"
            )
        if key == "circuit.compliance" and all(phase.compliance is not None for _, phase in phases):
            raise ValueError(f"population: {key} is drawn, but each phase has a compliance of its own")

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the device that this is the configuration of, but for its material."""
        thermal = {} if self.thermal is None else {"thermal": self.thermal.thermal()}
        own = {"seed": self.seed, "member": self.member}
        return self.device.arguments(self.layer_documents) | own | thermal

    def made_of(self, folder: Path = Path()) -> Material:
        """Return the material: as recorded, a file, or a packaged set, with what is changed in it.

        Parameters
        ----------
        folder : Path
            Where a material file with a relative name is looked for.

        Raises
        ------
        MaterialError
            There is no such set, or what is changed does not fit it.
        """
        return self.material.material(self.material_document, folder)

    def check_number(self, key: str) -> None:
        """Raise an error where a number of the material changes nothing: every layer has its own.

        Parameters
        ----------
        key : str
            Dotted key of any number; others than those of the material are always obeyed.

        Raises
        ------
        ConfigurationError
            Names the key and the layers.
        MaterialError
            A layer is based on no packaged set.
        """
        place, layers = is_number(key), self.arguments().get("layers", ())
        if place and layers and all(layer.overrides(*place) for layer in layers):
            titles = [layer.name or layer.base for layer in layers]
            names = [f"{n} ({title})" if title else str(n) for n, title in enumerate(titles, 1)]
            raise ConfigurationError(
                f"{'.'.join(place)} of the device changes nothing, since each layer has its own: layer "
                f"{' and layer '.join(names)}; give it in the material of a layer"
            )

    def recorded(self, material: Material) -> "Configuration":
        """Return the configuration with its materials whole, as results record it.

        Parameters
        ----------
        material : Material
            That :meth:`made_of` returns.

        Raises
        ------
        MaterialError
            A layer is based on no packaged set.
        """
        documents = documents_of(self.device.bases, self.layer_documents)
        return self.model_copy(
            update={
                "material": MaterialSection(base=material.name),
                "material_document": material.document(),
                "layer_documents": documents or None,
            }
        )

    def phases(self) -> Iterator[tuple[str, int, AnyPhase]]:
        """Yield (name, cycle, phase) of every phase in its order, groups and repeats unrolled.

        The cycle counts all repeats of all groups from 1 and is 0 outside of groups.
        """
        cycle = 0
        for entry in self.phase:
            if not isinstance(entry, Cycle):
                yield from _repeats(entry, 0)
                continue
            for turn in range(entry.repeat):
                cycle += 1
                for inner in entry.phase:
                    yield from _repeats(inner.at_turn(turn), cycle)

    def until(self, name: str) -> Self:
        """Return a configuration without the phases that follow the first one of a name.

        Parameters
        ----------
        name : str
            Of a phase outside of cycles: its `name`, or its `kind` where it has none.

        Raises
        ------
        ConfigurationError
            There is no such phase.
        """
        names = [None if isinstance(entry, Cycle) else entry.name or entry.kind for entry in self.phase]
        if name not in names:
            known = ", ".join(dict.fromkeys(one for one in names if one))
            raise ConfigurationError(f"no phase {name!r} outside of cycles; there is {known or 'none'}")
        return self.model_copy(update={"phase": self.phase[: names.index(name) + 1]})

    def temperature_ends(self, phase: Phase) -> tuple[float, float]:
        """Return the temperature (K) at start and end of a phase, that of the device by default."""
        return phase.temperature_ends or (self.device.temperature, self.device.temperature)

    def temperature_of(self, phase: Phase) -> float:
        """Return the temperature (K) of a phase: its own, or that of the device.

        Raises
        ------
        ConfigurationError
            It changes within the phase.
        """
        start, stop = self.temperature_ends(phase)
        if start != stop:
            raise ConfigurationError(
                f"temperature of the last phase must be one value here, got {start:g} to {stop:g} K"
            )
        return start

    def count(self) -> int:
        """Return the number of phases after unrolling."""
        return sum(
            entry.repeat * sum(map(_times, entry.phase)) if isinstance(entry, Cycle) else _times(entry)
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


def _times(phase: AnyPhase) -> int:
    """Return how many phases an entry is after unrolling."""
    return phase.repeat * len(phase.pieces())


def _repeats(phase: AnyPhase, cycle: int) -> Iterator[tuple[str, int, AnyPhase]]:
    name = phase.name or phase.kind
    for number in range(1, phase.repeat + 1):
        pieces: Sequence[AnyPhase] = phase.at_turn(number - 1).pieces()
        for place, piece in enumerate(pieces, 1):
            marks = [str(cycle)] if cycle else []
            marks += [str(number)] if phase.repeat > 1 else []
            marks += [str(place)] if len(pieces) > 1 else []
            yield f"{name} {'.'.join(marks)}".strip(), cycle, piece

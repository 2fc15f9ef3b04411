"""From a configuration, or a script, to a device, a protocol and a dataset."""

import contextlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, Unpack

import numpy as np

from .. import checks, notebook, provenance
from ..configuration import device as config
from ..configuration.base import ConfigurationError, checked
from ..configuration.device import Configuration, DeviceSection
from ..configuration.layers import LayerSection, documents_of
from ..configuration.phases import AnyPhase, CircuitSection, Phase, Points, Sweep, Test, Verify
from ..configuration.points import Members
from ..configuration.thermal import ThermalSection
from ..data import schema, store
from ..data.columns import ResultArrays
from ..kinetic.fields.build import number_of_tables
from ..kinetic.materials.material import Material
from ..kinetic.materials.stack import Layer, Stack
from ..kinetic.state import box, check_light
from ..kinetic.thermal import Thermal
from ..kinetic.waveform import Waveform
from ..memory import available
from ..progress import Reporter
from ..quantity import si
from ..typing import Quantity
from .device_file import columns
from .protocol import Checkpoints, PhaseLog, Progress, Protocol, check_conditions
from .steps import Options, Steps, check_options

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from ..analysis.plots.film import Film

CHECKPOINT_INTERVAL = 10.0  # s of wall time
SHOWN = 8  # phases that a notebook shows
FLUX = "1/(m^2*s)"


BY_SCRIPT = {
    "barrier_shift": "barriers per site",
    "mechanisms": "mechanisms",
    "traps": "traps",
    "precise": "precise energies",
}
"""Options that a file does not hold, so that `frenkel again` cannot repeat a result; and their names."""


class Device(Steps):
    """A memory cell that keeps what was done to it and gives it as datasets.

    Parameters
    ----------
    material : Material or str
        Named set of parameters, or the name of a packaged one, or of a file that ends in .toml.
    thickness, width : float or str
        Oxide thickness and lateral size (m), 1e-10 to 1e-6; rounded to whole lattice spacings. Numbers in SI
        or text with a unit, "5 nm"; likewise the others. Without a width a device is as wide as it is thick.
    read_voltage : float or str
        Voltage of the read after each waveform (V).
    temperature : float or str
        Temperature of both electrodes (K), 1 to 3000.
    layers : sequence of mapping, optional
        Oxides from bottom to top, each with the keys of a ``[[device.layer]]`` of a file, in place of a
        thickness: ``[{"thickness": "2.6 nm", "material": "TaOx"}, {"thickness": "1.3 nm"}]``.
    **options
        ``circuit``, ``seed`` and all others of :class:`frenkel.kinetic.device.Device`. A
        file does not hold ``barrier_shift``, ``mechanisms``, ``traps`` and ``precise``: `frenkel again`
        cannot repeat a result made with them.

    Examples
    --------
    >>> device = Device("HfO2-fast", thickness="5 nm", seed=1)  # doctest: +SKIP
    >>> loop = device.form("7 V", compliance="40 uA")  # doctest: +SKIP
    >>> loop = device.run(Waveform.triangle("-1 V", rate="1 MV/s", label="reset"))  # doctest: +SKIP
    """

    def __init__(
        self,
        material: Material | str,
        thickness: Quantity | None = None,
        width: Quantity | None = None,
        *,
        read_voltage: Quantity = 0.1,
        temperature: Quantity = 300.0,
        layers: Sequence[Layer | Mapping[str, Any]] = (),
        **options: Unpack[Options],
    ) -> None:
        if isinstance(material, str):
            material = Material.find(material)
        sections = [_layer_section(number, layer) for number, layer in enumerate(layers, 1)]
        if thickness is None:
            if not sections:
                raise TypeError("Device needs a thickness, or layers with one each")
            thickness = float(sum(section.thickness for section in sections))
        thickness = si("thickness", thickness, "m")
        width = thickness if width is None else si("width", width, "m")
        kelvin = si("temperature", temperature, "K")
        check_options(options)
        given = {one.base: one.document for one in layers if isinstance(one, Layer) and one.document}
        self.layer_documents = documents_of((section.material.base for section in sections), given)
        stack = [section.layer(self.layer_documents) for section in sections]
        super().__init__(material, thickness, width, temperature=kelvin, layers=stack, **options)
        self.asked = DeviceSection.model_construct(
            thickness=None if sections else float(thickness),
            layer=sections or None,
            width=float(width),
            lateral=self.lateral,
            temperature=self.temperature,
        )
        self.read_voltage = si("read_voltage", read_voltage, "V")
        self.logs: list[PhaseLog] = []
        conflicts = [
            name
            for key, name in BY_SCRIPT.items()
            if not (options.get(key) is None or options.get(key) is False)
        ]
        self.touched = " and ".join(f"{name} were given by a script" for name in conflicts)

    def run(
        self,
        waveform: Waveform,
        *,
        samples: int = 200,
        label: str | None = None,
        cycle: int = 0,
        to_compliance: bool = False,
        verify: Quantity | None = None,
        attempts: int = 5,
        stop: Test | None = None,
        snapshots: int | None = None,
        temperature: Quantity | tuple[Quantity, Quantity] | None = None,
        light: Quantity | None = None,
        progress: Progress | bool | None = None,
    ) -> "xr.Dataset":
        """Apply a source voltage, let the atoms move, and return what happened.

        Parameters
        ----------
        waveform : Waveform
            Source voltage (V) against time (s); starts now.
        samples : int
            Samples along the path of the voltage, at least 2.
        label : str, optional
            Name of the phase; the waveform's by default. Phases named form, set or reset are known as such.
            What has the name of an earlier phase gets a number, "form (2)".
        cycle : int
            Cycle that the waveform belongs to: that of the waveform before, or the next one, from 1; its
            number is added to the name. 0 outside of cycles.
        to_compliance : bool
            Turn back as soon as the current reaches the compliance of the circuit, or of its transistor: the
            way up ends there, and a plateau and the way down follow from the voltage reached. By default the
            waveform goes on with the current held at the limit, as instruments do. Turned, the low resistance
            is what a single event left: bimodal, with 0.4 decades from cycle to cycle instead of 0.06.
        verify : float or str, optional
            Apply the waveform again, up to ``attempts`` times in all, until the resistance at the read
            voltage is at most this (ohm); at least this after a RESET, as its label says.
        attempts : int
            1 to 1000.
        stop : callable, optional
            ``stop(device, current)`` after each event and sample ends the waveform early when true.
        snapshots : int
            Keep where the defects are at up to this many events and samples, spread evenly among all of
            them, besides the start and the end; 1 to 10,000, none by default.
        temperature : float or str, or a pair of them, optional
            Of the electrodes while the waveform lasts (K, or "250 C"); of a pair it is linear in time
            from the first to the second. The read after it is at the temperature of the device.
        light : float or str, optional
            Flux of absorbed photons while the waveform lasts (1/(m^2 s), or "3e19 1/(m^2*s)"), for materials
            with a section [light]; that of the device by default, under which it is read after.
        progress : bool or callable, optional
            True: show how far it is, as a bar on a terminal, a line a minute elsewhere. Else
            ``progress(share, name, device)`` is called at each sample.

        Returns
        -------
        xarray.Dataset
            Of this waveform alone; :attr:`result` has everything since the device was made.

        Raises
        ------
        ValueError
            A cycle that cannot come now; a temperature that the device cannot have; ``to_compliance`` in a
            circuit without one; ``to_compliance`` or ``verify`` with ``stop``, or for a waveform that does
            not go up and back once.
        """
        if not isinstance(waveform, Waveform):
            raise TypeError(
                f"waveform must be a Waveform, such as Waveform.ramp(1.0, rate=1e5), got {waveform!r}"
            )
        self._check_cycle(cycle)
        if stop is not None:
            self.touched = "a waveform was stopped by a function"
        name = self._unused(label or waveform.label or f"run {len(self.logs) + 1}", cycle)
        circuit = CircuitSection.of(self.circuit)
        arguments = {"name": name, "samples": samples, "circuit": circuit, "snapshots": snapshots}
        if temperature is not None:
            arguments["temperature"] = _written(temperature)
        if light is not None or self.light:
            arguments["light"] = f"{si('light', self.light if light is None else light, FLUX)!r} {FLUX}"
        common = checked(Phase, arguments, "Device.run")
        phase: AnyPhase
        if to_compliance and (stop is not None or not (self.circuit.compliance or self.circuit.transistor)):
            raise ValueError("to_compliance needs a circuit with compliance or transistor, and no stop")
        if verify is not None and stop is not None:
            raise ValueError("verify cannot be combined with stop, which no file could repeat")
        if to_compliance or verify is not None:
            phase = Sweep.of(waveform, common, to_compliance=to_compliance, verify=_target(verify, attempts))
        else:
            phase = Points.of(waveform, common)
        protocol = Protocol(self, [(numbered(name, cycle), cycle, phase)], circuit, self.read_voltage, stop)
        with shown(progress) as show:
            completed = protocol.go(progress=show)
        self.logs += completed
        return self._dataset(completed)

    def __repr__(self) -> str:
        width, thickness = self.width * 1e9, self.thickness * 1e9
        return (
            f"<Device {self.material.name}, {width:.3g} nm wide and {thickness:.3g} nm thick, "
            f"seed {self.seed}, member {self.member}: {len(self.logs)} phases, {self.events} events, "
            f"{self.time:.3g} s>"
        )

    def __dir__(self) -> list[str]:
        """Return what a user of a device needs; what its engine and its files use is left out."""
        return sorted(_PUBLIC)

    def _repr_html_(self) -> str:
        """Return what it is, the last loop and the last phases, for notebooks."""
        rows = [
            (log.name, f"{int(log.sample['events'][-1] - log.sample['events'][0])}", _ohms(self, log))
            for log in self.logs[-SHOWN:]
        ]
        if not rows:
            return notebook.page("Device", repr(self)[len("<Device") : -1])
        sample = self.logs[-1].sample
        curve = notebook.sparkline(sample["source_voltage"].tolist(), np.abs(sample["current"]).tolist())
        columns = "phase", "events", f"ohm at {self.read_voltage:g} V"
        return notebook.page("Device", repr(self)[len("<Device") : -1], curve, notebook.table(columns, rows))

    def _unused(self, name: str, cycle: int) -> str:
        """Return a name that no phase has yet, with its cycle: itself, or with a number after it."""
        taken = {log.name for log in self.logs}
        candidates = itertools.chain([name], (f"{name} ({k})" for k in itertools.count(2)))
        return next(candidate for candidate in candidates if numbered(candidate, cycle) not in taken)

    def _check_cycle(self, cycle: int) -> None:
        """Raise ValueError unless a phase can belong to a cycle after what was run."""
        last = max((log.cycle for log in self.logs), default=0)
        going = bool(self.logs) and 0 < last == self.logs[-1].cycle
        checks.whole("cycle", cycle, 0)
        if cycle and cycle != last + 1 and not (going and cycle == last):
            allowed = f"{last} or {last + 1}" if going else f"{last + 1}"
            raise ValueError(f"cycle must be {allowed} now, or 0 outside of cycles, got {cycle}")

    def document(self, logs: Sequence[PhaseLog] | None = None) -> dict[str, Any]:
        """Return the configuration that repeats what was run so far, or some phases of it, as JSON values."""
        circuit = CircuitSection.of(self.circuit)
        logs = self.logs if logs is None else logs
        ambient = logs[0].read_temperature if logs else self.temperature
        thermal = ThermalSection.of(self.thermal)
        return {
            "seed": self.seed,
            "member": self.member,
            "material": self.material.name,
            "material_document": self.material.document(),
            **({"layer_documents": self.layer_documents} if self.layer_documents else {}),
            "read_voltage": f"{self.read_voltage!r} V",
            "device": self.asked.model_dump(mode="json", exclude_none=True)
            | {"temperature": f"{ambient!r} K"},
            "circuit": circuit.model_dump(mode="json", exclude_none=True),
            **({} if thermal is None else {"thermal": thermal.model_dump(mode="json", exclude_none=True)}),
            "phase": list(_in_cycles(logs)),
        }

    def _dataset(self, logs: list[PhaseLog]) -> "xr.Dataset":
        why = self.not_repeatable
        result = columns(self, logs, self.document(logs), read_voltage=self.read_voltage, not_repeatable=why)
        return result.dataset()

    @property
    def not_repeatable(self) -> str:
        """Why no configuration repeats what was run so far; empty where one does."""
        if self.touched or len({log.read_temperature for log in self.logs}) < 2:
            return self.touched
        return "the temperature of the device was set between phases"

    @property
    def result(self) -> "xr.Dataset":
        """Everything that was run on this device so far."""
        if not self.logs:
            raise ValueError("nothing was run on this device yet")
        return self._dataset(self.logs)

    def fire(self, k: int) -> None:
        """Let event ``k`` of :meth:`transitions` happen now; a result can then not be made again."""
        self.touched = "events were fired by hand"
        super().fire(k)

    def branch(self, *stream: int) -> Self:
        """Return a device in the same state and with the same past, whose future is its own.

        See :meth:`frenkel.kinetic.device.Device.branch`. A result of it cannot be made again.
        """
        twin = super().branch(*stream)
        twin.logs, twin.touched = list(self.logs), "it went on from a branch of another device"
        return twin

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write everything that was run so far as netCDF.

        Raises
        ------
        StoreError
            The file exists (``force`` replaces it) or cannot be written.
        """
        return store.save(self.result, path, force=force)

    def view(self) -> "Film":
        """Return a film of everything that was run so far, which a notebook shows: filament and current.

        ``view().save("film.html")`` writes it as one page that needs no network. More of its pictures lie
        within a phase where that was run with ``snapshots``.

        Raises
        ------
        ValueError
            Nothing was run yet.
        """
        from ..analysis.plots.film import Film  # pages and films, which a run does without

        return Film(self.result)

    def show(self, path: str | Path | None = None) -> "Figure | Path":
        """Draw everything that was run so far on one page: on the screen, or into a file.

        Raises
        ------
        ValueError
            Nothing was run yet, or the file's ending is no picture.
        """
        from ..analysis.plots import page  # pages and films, which a run does without
        from ..analysis.plots.device import overview

        if path is not None:
            return page.save(overview(self.result), path)
        return page.show(partial(overview, self.result))


_PUBLIC = (
    "run", "form", "set", "reset", "rest", "result", "save", "show", "view", "branch", "document",
    "time", "events", "temperature", "member", "seed", "material", "circuit", "thickness", "width", "lattice",
    "conductance", "current", "defects", "device_voltage", "source_voltage", "set_voltage", "charges",
    "potential", "temperature_map", "rates", "transitions", "fire", "melting_point", "read_voltage",
)  # fmt: skip
"""Attributes of a device that a tab lists."""


def _layer_section(number: int, layer: Layer | Mapping[str, Any]) -> LayerSection:
    """Return a layer that a script gives, as a file holds it."""
    return (
        LayerSection.of(layer)
        if isinstance(layer, Layer)
        else checked(LayerSection, layer, f"layer {number}")
    )


@contextlib.contextmanager
def shown(progress: Progress | bool | None) -> Iterator[Progress | None]:
    """Give what is to be called with the progress: a display for True."""
    if progress is not True:
        yield progress or None
        return
    with Reporter(lines=True) as display:
        yield display


def build(configuration: Configuration, folder: Path = Path()) -> Device:
    """Make the device of a configuration, with the numbers that its population draws for its member.

    Parameters
    ----------
    configuration : Configuration
    folder : Path
        Where a material file with a relative name is looked for.

    Raises
    ------
    MaterialError, ValueError
        The material or a size is not allowed.
    """
    return _built(*Members(configuration, folder).member(configuration.member))


def _built(configuration: Configuration, material: Material) -> Device:
    check_device(configuration, material)
    return Device(material, **configuration.arguments(), read_voltage=configuration.read_voltage)


def check_device(configuration: Configuration, material: Material) -> None:
    """Raise an error for a device that cannot be made, before it is made or one of many members fails.

    Raises
    ------
    ConfigurationError
        Its memory is more than there is (see :func:`.memory.available`), or it would melt in a phase.
    MaterialError, ValueError
        A size or a layer is not allowed, or the material melts at the temperature of the device.
    """
    shape, stack = _stack(configuration, material)
    stack.owners(shape, configuration.device.lateral == "periodic")
    stack.check_temperature(configuration.device.temperature)
    for name, _, phase in configuration.phases():
        check_conditions(name, phase, stack.check_temperature, partial(check_light, material))
    needed, present = memory(configuration, material), available()
    if needed > 0.8 * present:
        raise ConfigurationError(
            f"device.thickness and device.width must be smaller: {shape[0]} x {shape[1]} x {shape[2]} sites "
            f"take about {needed / 1e9:.3g} GB of memory, there is {present / 1e9:.3g} GB"
        )


def memory(configuration: Configuration, material: Material) -> float:
    """Return the memory (bytes) of a device, about: Green's tables and lattice."""
    shape, stack = _stack(configuration, material)
    nx, ny, nz = map(float, shape)
    thermal = Thermal() if configuration.thermal is None else configuration.thermal.thermal()
    # Reflecting sides take a table of twice the width in both directions. Making one takes it twice, and of
    # each a quarter is kept, since steps to either side are equal.
    period = (2 * nx, 2 * ny) if configuration.device.lateral == "reflecting" else (nx, ny)
    made, kept = (8 * x * y * nz**2 for x, y in (period, (period[0] // 2 + 1, period[1] // 2 + 1)))
    tables = number_of_tables(stack, thermal)
    return (2 * made + tables * kept if tables else 0.0) + 400 * nx * ny * nz


def _stack(configuration: Configuration, material: Material) -> tuple[tuple[int, int, int], Stack]:
    """Return sites in x, y and z, and the layers, of the device of a configuration."""
    section = configuration.device
    shape = box(section.height, section.width, material.lattice.spacing)
    return shape, Stack.of(material, configuration.arguments().get("layers", ()), shape[2])


def run(
    configuration: Configuration,
    *,
    folder: Path = Path(),
    checkpoint: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    interval: float = CHECKPOINT_INTERVAL,
) -> "xr.Dataset":
    """Carry out the protocol of a configuration.

    Parameters
    ----------
    configuration : Configuration
    folder : Path
        Where a material file with a relative name is looked for.
    checkpoint : Path, optional
        File for checkpoints; removed by the caller once the result is safe.
    resume : bool
        Go on from the checkpoint.
    progress : callable, optional
        ``progress(share, name, device)`` at each sample.
    interval : float
        Least wall time between checkpoints (s).

    Returns
    -------
    xarray.Dataset

    Raises
    ------
    ConfigurationError
        The checkpoint belongs to another configuration.
    StoreError
        A checkpoint cannot be read or written.
    TypeError
        It is no configuration of a device, but the name of a file, say.
    """
    options: Any = {"folder": folder, "checkpoint": checkpoint, "resume": resume, "interval": interval}
    return carry_out(configuration, progress=progress, **options).dataset()


def carry_out(
    configuration: Configuration,
    *,
    folder: Path = Path(),
    checkpoint: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    interval: float = CHECKPOINT_INTERVAL,
) -> ResultArrays:
    """Return what :func:`run` returns as arrays; parameters and errors are the same."""
    if not isinstance(configuration, Configuration):
        raise TypeError(
            "run takes the configuration of a device, such as frenkel.read_configuration('switching.toml'), "
            f"got {configuration!r:.60}"
        )
    stored = store.load_checkpoint(checkpoint) if resume and checkpoint else None
    if stored is not None and configuration.seed is None:
        configuration = configuration.model_copy(update={"seed": stored["seed"]})
    if configuration.seed is None and configuration.population is not None:
        configuration = configuration.model_copy(update={"seed": provenance.draw_seed()})
    members = Members(configuration, folder)
    own_configuration, material = members.member(configuration.member)
    device = _built(own_configuration, material)
    protocol = Protocol.of(own_configuration, device)
    recorded = configuration.recorded(members.material).document() | {"seed": device.seed}
    if stored is not None:
        if stored["configuration_hash"] != provenance.digest(recorded):
            raise ConfigurationError(
                f"checkpoint {checkpoint} belongs to another configuration; "
                "run without --resume to start again"
            )
        protocol.restore(stored["protocol"])
    pause = None
    if checkpoint is not None:
        head = {"configuration_hash": provenance.digest(recorded), "seed": device.seed}
        pause = Checkpoints(checkpoint, interval, **head).write
    device.logs = protocol.go(pause=pause, progress=progress)
    return columns(device, device.logs, recorded, read_voltage=device.read_voltage)


def again(
    result: "xr.Dataset", *, origin: str = "the dataset", progress: Progress | None = None
) -> "xr.Dataset":
    """Run the configuration recorded in a result once more.

    Raises
    ------
    ProvenanceError, ConfigurationError
        It does not say what made it, or that cannot be repeated.
    """
    document, seed, member = provenance.parse(result.attrs.get("provenance"), origin)
    if "not_repeatable" in result.attrs:
        raise ConfigurationError(f"{origin} cannot be made again: {result.attrs['not_repeatable']}")
    parsed = config.parse(document | {"seed": seed, "member": member}, f"the configuration in {origin}")
    return run(parsed, progress=progress)


def first_difference(one: "xr.Dataset", other: "xr.Dataset") -> str | None:
    """Compare two results bit by bit; return None when equal, else a sentence about the first difference."""
    for name in schema.VARIABLES:
        in_first, in_second = name in one.variables, name in other.variables
        if in_first != in_second:
            return f"{name} is only in the {'first' if in_first else 'second'}"
        if not in_first:
            continue
        a, b = one[name].values, other[name].values
        if a.shape != b.shape:
            return f"{name} has shape {a.shape} in the first and {b.shape} in the second"
        is_equal = (a == b) | ((a != a) & (b != b))
        if not np.all(is_equal):
            place = np.unravel_index(int(np.argmin(is_equal)), is_equal.shape) if is_equal.shape else ()
            where = f" at {', '.join(str(int(i)) for i in place)}" if place else ""
            first, second = (np.asarray(values[place]).item() for values in (a, b))
            return f"{name}{where} is {first!r} in the first and {second!r} in the second"
    return None


def _target(verify: Quantity | None, attempts: int) -> Verify | None:
    """Return what an attempt is held against."""
    if verify is None:
        return None
    ohms = verify if isinstance(verify, str) else f"{verify!r} ohm"
    return checked(Verify, {"resistance": ohms, "attempts": attempts}, "Device.run: verify")


def _written(temperature: Quantity | tuple[Quantity, Quantity]) -> str | dict[str, str]:
    """Return the temperature of a waveform as a configuration has it."""
    if not isinstance(temperature, (tuple, list, dict)):
        return f"{si('temperature', temperature, 'K')!r} K"
    if isinstance(temperature, dict) or len(temperature) != 2:
        raise ValueError(f"temperature must be one value or a pair of them, got {temperature!r}")
    start, stop = (f"{si('temperature', kelvin, 'K')!r} K" for kelvin in temperature)
    return {"start": start, "stop": stop}


def _ohms(device: Device, log: PhaseLog) -> str:
    return f"{abs(device.read_voltage / log.read_current):.4g}" if log.read_current else "inf"


def numbered(name: str, cycle: int) -> str:
    """Return the name of a phase with the number of its cycle, which 0 has not."""
    return f"{name} {cycle}" if cycle else name


def _in_cycles(logs: Sequence[PhaseLog]) -> Iterator[dict[str, Any]]:
    """Yield phases as a configuration has them, those of a cycle in a group."""
    for cycle, group in itertools.groupby(logs, lambda log: log.cycle):
        phases = [log.document for log in group if log.attempt == 1]
        yield from [{"kind": "cycle", "repeat": 1, "phase": phases}] if cycle else phases

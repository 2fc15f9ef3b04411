"""From a configuration, or a script, to a device, a protocol and a dataset."""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from .. import provenance
from ..analysis.results import schema, store
from ..configuration import device as config
from ..configuration.base import ConfigurationError, checked
from ..configuration.device import Configuration, DeviceSection
from ..configuration.phases import AnyPhase, CircuitSection, Phase, Points, Sweep, Test
from ..kinetic import device as kinetic
from ..kinetic.circuit import Circuit
from ..kinetic.lattice.lattice import Lateral
from ..kinetic.materials.material import Material
from ..kinetic.mechanisms.mechanism import Mechanism
from ..kinetic.state import box
from ..kinetic.waveform import Waveform
from ..typing import Floats
from .device_file import dataset
from .protocol import Checkpoints, PhaseLog, Progress, Protocol

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHECKPOINT_INTERVAL = 10.0  # s of wall time


class Options(TypedDict, total=False):
    """What :class:`frenkel.kinetic.device.Device` takes besides material and size."""

    circuit: Circuit | None
    temperature: float
    seed: int | None
    member: int
    lateral: Lateral
    barrier_shift: Mapping[str, Floats] | None
    mechanisms: Sequence[Mechanism]
    traps: ArrayLike | None
    cache: int
    precise: bool


BY_SCRIPT = {
    "barrier_shift": "barriers per site",
    "mechanisms": "mechanisms",
    "traps": "traps",
    "precise": "precise energies",
}
"""Options that a file does not hold, so that `frenkel again` cannot repeat a result; and their names."""


class Device(kinetic.Device):
    """A memory cell that keeps what was done to it and gives it as datasets.

    Parameters
    ----------
    material : Material or str
        Named set of parameters, or the name of a packaged one.
    thickness, width : float
        Oxide thickness and lateral size (m), 1e-10 to 1e-6; rounded to whole lattice spacings.
    read_voltage : float
        Voltage of the read after each waveform (V).
    **options
        ``circuit``, ``temperature``, ``seed`` and all others of :class:`frenkel.kinetic.device.Device`. A
        file does not hold ``barrier_shift``, ``mechanisms``, ``traps`` and ``precise``: `frenkel again`
        cannot repeat a result made with them.

    Examples
    --------
    >>> device = Device(Material.load("HfO2"), thickness=5e-9, width=5e-9, seed=1)  # doctest: +SKIP
    >>> loop = device.run(Waveform.triangle(4.0, rate=1e6))  # doctest: +SKIP
    """

    def __init__(
        self,
        material: Material | str,
        thickness: float,
        width: float,
        *,
        read_voltage: float = 0.1,
        **options: Unpack[Options],
    ) -> None:
        if isinstance(material, str):
            material = Material.load(material)
        for name, size in (("thickness", thickness), ("width", width)):
            if isinstance(size, str):
                raise TypeError(f"{name} must be a number of metres, such as 5 * units.nm, got {size!r}")
        super().__init__(material, thickness, width, **options)
        self.asked = DeviceSection.model_construct(
            thickness=float(thickness),
            width=float(width),
            lateral=self.lateral,
            temperature=self.temperature,
        )
        self.read_voltage = read_voltage
        self.logs: list[PhaseLog] = []
        given = [
            name
            for key, name in BY_SCRIPT.items()
            if not (options.get(key) is None or options.get(key) is False)
        ]
        self.touched = " and ".join(f"{name} were given by a script" for name in given)

    def run(
        self,
        waveform: Waveform,
        *,
        samples: int = 200,
        label: str | None = None,
        to_compliance: bool = False,
        stop: Test | None = None,
        progress: Progress | None = None,
    ) -> xr.Dataset:
        """Apply a source voltage, let the atoms move, and return what happened.

        Parameters
        ----------
        waveform : Waveform
            Source voltage (V) against time (s); starts now.
        samples : int
            Samples along the path of the voltage, at least 2.
        label : str, optional
            Name of the phase; the waveform's by default. Phases named form, set or reset are known as such.
        to_compliance : bool
            Turn back as soon as the current reaches the compliance of the circuit, or of its transistor: the
            way up ends there, and a plateau and the way down follow from the voltage reached.
        stop : callable, optional
            ``stop(device, current)`` after each event and sample ends the waveform early when true.
        progress : callable, optional
            ``progress(share, name, device)`` at each sample.

        Returns
        -------
        xarray.Dataset
            Of this waveform alone; :attr:`result` has everything since the device was made.

        Raises
        ------
        ValueError
            ``to_compliance`` in a circuit without one, with ``stop``, or for a waveform that does not go up
            and back once.
        """
        if not isinstance(waveform, Waveform):
            raise TypeError(
                f"waveform must be a Waveform, such as Waveform.ramp(1.0, rate=1e5), got {waveform!r}"
            )
        if stop is not None:
            self.touched = "a waveform was stopped by a function"
        name = label or waveform.label or f"run {len(self.logs) + 1}"
        circuit = CircuitSection.of(self.circuit)
        common = checked(Phase, {"name": name, "samples": samples, "circuit": circuit}, "Device.run")
        phase: AnyPhase
        if to_compliance:
            if stop is not None or not (self.circuit.compliance or self.circuit.transistor):
                raise ValueError("to_compliance needs a circuit with compliance or transistor, and no stop")
            phase = Sweep.of(waveform, common)
        else:
            phase = Points.of(waveform, common)
        protocol = Protocol(self, [(name, 0, phase)], circuit, self.read_voltage, stop)
        self.logs += protocol.go(progress=progress)
        return self._dataset(self.logs[-1:])

    def _dataset(self, logs: list[PhaseLog]) -> xr.Dataset:
        recorded = _scripted(self, logs)
        return dataset(self, logs, recorded, read_voltage=self.read_voltage, not_repeatable=self.touched)

    @property
    def result(self) -> xr.Dataset:
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

    def show(self, path: str | Path | None = None) -> "Figure | Path":
        """Draw everything that was run so far on one page: on the screen, or into a file.

        Raises
        ------
        ValueError
            Nothing was run yet, or the file's ending is no picture.
        """
        from ..analysis.plots import page
        from ..analysis.plots.device import overview

        if path is not None:
            return page.save(overview(self.result), path)
        return page.show(partial(overview, self.result))


def build(configuration: Configuration, folder: Path = Path()) -> Device:
    """Make the device of a configuration.

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
    material = material_of(configuration, folder)
    check_memory(configuration, material)
    return Device(material, **configuration.arguments(), read_voltage=configuration.read_voltage)


def check_memory(configuration: Configuration, material: Material) -> None:
    """Raise an error if a device would not fit into the memory of this machine.

    Raises
    ------
    ConfigurationError
        Names the number of sites, the memory it takes and what there is.
    """
    section = configuration.device
    shape = box(section.thickness, section.width, material.lattice.spacing)
    needed, present = memory(shape, section.lateral), os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > 0.8 * present:
        raise ConfigurationError(
            f"device.thickness and device.width must be smaller: {shape[0]} x {shape[1]} x {shape[2]} sites "
            f"take about {needed / 1e9:.3g} GB of memory, this machine has {present / 1e9:.3g} GB"
        )


def memory(shape: tuple[int, int, int], lateral: str) -> float:
    """Return the memory (bytes) of a device of this many sites, about: Green's table and lattice."""
    sites = float(np.prod(np.array(shape, float)))
    # Reflecting sides take a table of twice the width in both directions; making it takes it twice.
    return 2 * 8 * sites * shape[2] * (4 if lateral == "reflecting" else 1) + 400 * sites


def material_of(configuration: Configuration, folder: Path = Path()) -> Material:
    """Return the material of a configuration: its own document, a file, or a packaged set."""
    name = configuration.material
    if configuration.material_document is not None:
        return Material(configuration.material_document, name)
    if name.endswith(".toml"):
        return Material.read(folder / name)
    return Material.load(name)


def run(
    configuration: Configuration,
    *,
    folder: Path = Path(),
    checkpoint: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    interval: float = CHECKPOINT_INTERVAL,
) -> xr.Dataset:
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
    """
    found = store.load_checkpoint(checkpoint) if resume and checkpoint else None
    if found is not None and configuration.seed is None:
        configuration = configuration.model_copy(update={"seed": found["seed"]})
    device = build(configuration, folder)
    protocol = Protocol.of(configuration, device)
    recorded = _recorded(configuration, device.material, device.seed)
    if found is not None:
        if found["configuration_hash"] != provenance.digest(recorded):
            raise ConfigurationError(
                f"checkpoint {checkpoint} belongs to another configuration; "
                "run without --resume to start afresh"
            )
        protocol.restore(found["protocol"])
    pause = None
    if checkpoint is not None:
        head = {"configuration_hash": provenance.digest(recorded), "seed": device.seed}
        pause = Checkpoints(checkpoint, interval, **head).write
    device.logs = protocol.go(pause=pause, progress=progress)
    return dataset(device, device.logs, recorded, read_voltage=device.read_voltage)


def again(result: xr.Dataset, *, origin: str = "the dataset", progress: Progress | None = None) -> xr.Dataset:
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


def first_difference(one: xr.Dataset, other: xr.Dataset) -> str | None:
    """Compare two results bit by bit; return None when equal, else a sentence about the first difference.

    Optional variables that the first lacks, being of an earlier version, are passed over.
    """
    for name, variable in schema.VARIABLES.items():
        here, there = name in one.variables, name in other.variables
        if here != there:
            if variable.optional and not here:
                continue  # the first is of an earlier version
            return f"{name} is only in the {'first' if here else 'second'}"
        if not here:
            continue
        a, b = one[name].values, other[name].values
        if a.shape != b.shape:
            return f"{name} has shape {a.shape} in the first and {b.shape} in the second"
        same = (a == b) | ((a != a) & (b != b))
        if not np.all(same):
            place = np.unravel_index(int(np.argmin(same)), same.shape) if same.shape else ()
            where = f" at {', '.join(str(int(i)) for i in place)}" if place else ""
            return f"{name}{where} is {a[place]!r} in the first and {b[place]!r} in the second"
    return None


def _recorded(configuration: Configuration, material: Material, seed: int) -> dict[str, Any]:
    """Return the whole configuration as JSON, with the material itself and the seed that was used."""
    return configuration.document() | {
        "seed": seed,
        "material": material.name,
        "material_document": material.document(),
    }


def _scripted(device: Device, logs: list[PhaseLog]) -> dict[str, Any]:
    """Return the configuration that repeats what a script did."""
    return {
        "seed": device.seed,
        "member": device.member,
        "material": device.material.name,
        "material_document": device.material.document(),
        "read_voltage": f"{device.read_voltage!r} V",
        "device": device.asked.model_dump(mode="json"),
        "circuit": CircuitSection.of(device.circuit).model_dump(mode="json", exclude_none=True),
        "phase": [log.document for log in logs],
    }

"""From a configuration, or a script, to a device, a protocol and a dataset."""

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .. import provenance
from ..analysis.results import schema, store
from ..configuration import device as config
from ..configuration.base import ConfigurationError
from ..configuration.device import CircuitSection, Configuration, Points, Sweep
from ..kinetic import device as kinetic
from ..kinetic.circuit import Circuit
from ..kinetic.lattice.lattice import Lateral
from ..kinetic.materials.material import Material
from ..kinetic.mechanisms.mechanism import Mechanism
from ..kinetic.state import box
from ..kinetic.waveform import Waveform
from .protocol import AnyPhase, PhaseLog, Protocol, named_kind
from .results import dataset, observe

if TYPE_CHECKING:
    from matplotlib.figure import Figure

logger = logging.getLogger(__name__)
CHECKPOINT_INTERVAL = 10.0  # s of wall time
Progress = Callable[[float, str, kinetic.Device], None]


class Device(kinetic.Device):
    """A memory cell that keeps what was done to it and gives it as datasets.

    Parameters
    ----------
    material : Material or str
        Named set of parameters, or the name of a packaged one.
    thickness, width : float
        Oxide thickness and lateral size (m), 1e-10 to 1e-6; rounded to whole lattice spacings.
    circuit : Circuit, optional
        Series resistance and current limit; may be replaced between waveforms.
    temperature : float
        Temperature of the electrodes (K), 1 to 3000.
    seed : int, optional
        0 to 2**63 - 1; drawn and recorded when missing.
    member : int
        Number of this device in an ensemble.
    lateral : {"periodic", "reflecting"}
        Sides of the box.
    barrier_shift : mapping of str to ndarray of shape (n_hosts,), optional
        Addition to the barrier (eV) per host site, by name of the mechanism.
    mechanisms : sequence of Mechanism
        Further mechanisms of yours. With these, or with shifted barriers, `frenkel again` cannot repeat a
        result: a file does not hold them.
    traps : ndarray of shape (n, 3) or (n, 4), optional
        Places of traps (m) instead of random ones, with their energies (eV) in a fourth column; likewise not
        in a file.
    precise : bool
        Refine the energy of every event (about 1e-12 eV, several times slower).
    read_voltage : float
        Voltage of the read after each waveform (V).

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
        circuit: Circuit | None = None,
        temperature: float = 300.0,
        seed: int | None = None,
        member: int = 0,
        lateral: Lateral = "periodic",
        barrier_shift: Mapping[str, NDArray[np.float64]] | None = None,
        mechanisms: Sequence[Mechanism] = (),
        traps: NDArray[np.float64] | None = None,
        precise: bool = False,
        read_voltage: float = 0.1,
    ) -> None:
        if isinstance(material, str):
            material = Material.load(material)
        for name, size in (("thickness", thickness), ("width", width)):
            if isinstance(size, str):
                raise TypeError(f"{name} must be a number of metres, such as 5 * units.nm, got {size!r}")
        self.asked = {
            "thickness": float(thickness),
            "width": float(width),
            "lateral": lateral,
            "temperature": float(temperature),
        }
        self.read_voltage = read_voltage
        self.logs: list[PhaseLog] = []
        given = {
            "barriers per site": bool(barrier_shift),
            "mechanisms": bool(mechanisms),
            "traps": traps is not None,
            "precise energies": precise,
        }
        by_script = [f"{name} were given by a script" for name, value in given.items() if value]
        self.touched = " and ".join(by_script)
        super().__init__(
            material,
            thickness,
            width,
            circuit=circuit,
            temperature=temperature,
            seed=seed,
            member=member,
            lateral=lateral,
            barrier_shift=barrier_shift,
            mechanisms=mechanisms,
            traps=traps,
            precise=precise,
        )

    def run(
        self,
        waveform: Waveform,
        *,
        samples: int = 200,
        label: str | None = None,
        to_limit: bool = False,
        stop: Callable[[kinetic.Device, float], bool] | None = None,
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
        to_limit : bool
            Turn back as soon as the current reaches the limit of the circuit: the way up ends there, and a
            plateau and the way down follow from the voltage reached.
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
            ``to_limit`` without a limit, with ``stop``, or for a waveform that does not go up and back once.
        """
        if not isinstance(waveform, Waveform):
            raise TypeError(
                f"waveform must be a Waveform, such as Waveform.ramp(1.0, rate=1e5), got {waveform!r}"
            )
        if stop is not None:
            self.touched = "a waveform was stopped by a function"
        name = label or waveform.label or f"run {len(self.logs) + 1}"
        common = {"name": name, "samples": samples, "circuit": _section(self.circuit)}
        phase: AnyPhase
        if to_limit:
            if stop is not None or not (self.circuit.compliance or self.circuit.transistor):
                raise ValueError("to_limit needs a circuit with a compliance or a transistor, and no stop")
            phase = Sweep.model_validate(common | _sweep(waveform, name))
        else:
            phase = Points.model_validate(common | _points(waveform))
        protocol = Protocol(self, [(name, 0, phase)], _section(self.circuit), self.read_voltage, observe)
        if stop is not None:
            protocol.halt = stop
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
    section, material = configuration.device, material_of(configuration, folder)
    check_memory(configuration, material)
    return Device(
        material,
        section.thickness,
        section.width,
        temperature=section.temperature,
        seed=configuration.seed,
        member=configuration.member,
        lateral=section.lateral,
        read_voltage=configuration.read_voltage,
    )


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
    protocol = Protocol(
        device, list(configuration.steps()), configuration.circuit, configuration.read_voltage, observe
    )
    recorded = _recorded(configuration, device.material, device.seed)
    if found is not None:
        if found["configuration_hash"] != provenance.digest(recorded):
            raise ConfigurationError(
                f"checkpoint {checkpoint} belongs to another configuration; "
                "run without --resume to start afresh"
            )
        protocol.restore(found["protocol"])
    device.logs = protocol.go(pause=_pauser(checkpoint, recorded, interval), progress=progress)
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
    """Compare two results bit by bit; return None when equal, else a sentence about the first difference."""
    for name in schema.VARIABLES:
        here, there = name in one.variables, name in other.variables
        if here != there:
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
    document = {
        "seed": device.seed,
        "member": device.member,
        "material": device.material.name,
        "material_document": device.material.document(),
        "read_voltage": f"{device.read_voltage!r} V",
        "device": {
            "thickness": f"{device.asked['thickness']!r} m",
            "width": f"{device.asked['width']!r} m",
            "lateral": device.asked["lateral"],
            "temperature": f"{device.asked['temperature']!r} K",
        },
        "circuit": _section(device.circuit).model_dump(mode="json", exclude_none=True),
        "phase": [log.document for log in logs],
    }
    return document


def _section(circuit: Circuit) -> CircuitSection:
    """Return a circuit as a section of a configuration."""

    def text(value: float | None, unit: str) -> Any:
        return None if value is None else f"{float(value)!r} {unit}"

    return CircuitSection.model_validate(
        {
            "series_resistance": text(circuit.series_resistance, "ohm"),
            "compliance": text(circuit.compliance, "A"),
            "polarity": circuit.polarity,
            "transistor": text(circuit.transistor, "A"),
        }
    )


def _points(waveform: Waveform) -> dict[str, Any]:
    """Return a waveform as a phase of a configuration: straight lines between points."""
    return {
        "kind": "points",
        "times": f"{', '.join(map(repr, waveform.times))} s",
        "voltages": f"{', '.join(map(repr, waveform.voltages))} V",
    }


def _sweep(waveform: Waveform, name: str) -> dict[str, Any]:
    """Return a waveform from 0 V up and back as a phase that turns at the current limit."""
    times, voltages = waveform.times, waveform.voltages
    top = voltages[1]
    if top == 0.0 or voltages not in ((0.0, top, 0.0), (0.0, top, top, 0.0)):
        raise ValueError(
            "to_limit needs a waveform from 0 V up and back to 0 V, such as Waveform.triangle; "
            f"got {len(voltages)} points from {voltages[0]:g} to {voltages[-1]:g} V"
        )
    sweep = {
        "kind": named_kind(name) or "triangle",
        "amplitude": f"{top!r} V",
        "rate": f"{abs(top) / times[1]!r} V/s",
        "fall_rate": f"{abs(top) / (times[-1] - times[-2])!r} V/s",
        "to_limit": True,
    }
    return sweep | ({"hold": f"{times[2] - times[1]!r} s"} if len(times) == 4 else {})


def _pauser(
    checkpoint: Path | None, recorded: Mapping[str, Any], interval: float
) -> Callable[[Protocol], None] | None:
    """Return a function that writes a checkpoint when the last one is old enough."""
    if checkpoint is None:
        return None
    last = time.monotonic()
    head = {"configuration_hash": provenance.digest(recorded), "seed": recorded["seed"]}

    def pause(protocol: Protocol) -> None:
        nonlocal last
        if time.monotonic() - last >= interval:
            store.save_checkpoint(head | {"protocol": protocol.state()}, checkpoint)
            last = time.monotonic()

    return pause


__all__ = ["Device", "again", "build", "first_difference", "material_of", "run"]

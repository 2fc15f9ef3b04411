"""The file of a device: arrays from what a protocol did to it; no xarray."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .. import provenance
from ..analysis.results.melting import melting
from ..data import schema
from ..data.columns import ResultArrays
from ..kinetic.device import Device
from ..kinetic.extremes import DIRECTIONS
from ..kinetic.lattice.species import CATION, INTERSTITIAL, VACANCY, Species
from ..kinetic.materials.stack import Stack
from ..kinetic.run import SAMPLED, TEMPERATURE
from .protocol import PhaseLog


def columns(
    device: Device,
    logs: Iterable[PhaseLog],
    recorded: Mapping[str, Any],
    *,
    read_voltage: float,
    not_repeatable: str = "",
) -> ResultArrays:
    """Build the result of some phases of a device.

    Parameters
    ----------
    device : Device
    logs : iterable of PhaseLog
        The phases, in order.
    recorded : mapping
        Configuration for the provenance.
    read_voltage : float
        Voltage of the read after each phase (V).
    not_repeatable : str
        Why the configuration cannot make the result again; empty where it can.
    """
    logs = list(logs)
    material = device.material
    attrs = provenance.attributes(
        recorded.get("title") or f"{material.name} device, seed {device.seed}",
        recorded,
        seed=device.seed,
        member=device.member,
        material=material.name,
        family=material.family,
        material_hash=material.hash,
        lateral=device.lateral,
    )
    if not_repeatable:
        attrs["not_repeatable"] = not_repeatable
    if device.chemistry.second is not None:
        attrs["conducting_species"] = 2  # the first ones along species
    arrays = values(device, logs, read_voltage)
    if point := device.melting_point:
        molten = melting(arrays["time"], arrays["temperature_max"], point)
        attrs["melting_point"] = point  # K
        attrs["time_above_melting"] = molten.longest  # s, without a break
        attrs["share_above_melting"] = molten.share
    events = [log.extremes.hottest for log in logs if log.extremes.hottest.temperature > 0.0]
    if events:
        hottest = max(events, key=lambda event: event.temperature)
        attrs["event_temperature_max"] = hottest.temperature  # K
        attrs["event_temperature_duration"] = hottest.duration  # s, that the atoms had stood before it
    return schema.columns(arrays, attrs)


def layers(stack: Stack, shape: tuple[int, ...], periodic: bool) -> dict[str, Any]:
    """Return the layers of a stack with their regions; nothing of a single oxide without regions."""
    has_regions = any(stack.regions)
    if len(stack.planes) == 1 and not has_regions:
        return {}
    found = {"layer": [m.name for m in stack.materials], "layer_planes": np.array(stack.planes, np.int32)}
    if has_regions:
        found["layer_region"] = (stack.owners(shape, periodic) + 1).astype(np.int32)
    return found


def values(device: Device, logs: list[PhaseLog], read_voltage: float) -> dict[str, Any]:
    """Return the variables of some phases of a device, under the names of the schema."""
    return (
        _samples(device, logs)
        | _phases(logs)
        | _temperatures(device, logs)
        | _snapshots(device, logs)
        | _constants(device, read_voltage)
        | layers(device.stack, device.shape, device.lateral == "periodic")
    )


def _species(device: Device) -> list[Species]:
    """Return the species that a result of this device counts: what conducts, the ion where it has sites."""
    chemistry = device.chemistry
    all_species = (chemistry.defect, chemistry.second, chemistry.interstitial)
    return [
        species
        for species in all_species
        if species is not None and species.sublattice in device.lattice.sublattice
    ]


def _samples(device: Device, logs: list[PhaseLog]) -> dict[str, Any]:
    """Return the variables along the samples."""
    columns = {name: np.concatenate([log.sample[name] for log in logs]) for name in logs[0].sample}
    column = {VACANCY.code: "defect", CATION.code: "second", INTERSTITIAL.code: "interstitial"}
    second = device.chemistry.second
    held = ["reservoir"] if second is None else ["reservoir", "second_reservoir"]
    values = {name: columns[name] for name in SAMPLED}
    lengths = [len(log.sample["time"]) for log in logs]
    return values | {
        "phase": np.repeat(np.arange(len(logs), dtype=np.int32), lengths),
        "count": np.stack([columns[column[kind.code]] for kind in _species(device)], axis=1),
        "species": [species.name for species in _species(device)],
        "reservoir": np.stack([columns[name] for name in held], axis=1),
        "electrode": ["top", *([] if second is None else [f"top ({second.name})"])],
    }


def _phases(logs: list[PhaseLog]) -> dict[str, Any]:
    """Return the variables along the phases."""
    return {
        "phase_name": [log.name for log in logs],
        "phase_kind": [log.kind for log in logs],
        "phase_cycle": np.array([log.cycle for log in logs], np.int32),
        "phase_attempt": np.array([log.attempt for log in logs], np.int32),
        "phase_compliance": np.array([np.nan if log.compliance is None else log.compliance for log in logs]),
        "read_current": np.array([log.read_current for log in logs]),
        "direction": list(DIRECTIONS),
    } | _extremes(logs)


def _temperatures(device: Device, logs: list[PhaseLog]) -> dict[str, Any]:
    """Return the temperatures of samples and of reads, where they were not all that of the device."""
    sample = np.concatenate([log.sample[TEMPERATURE] for log in logs])
    read = np.array([log.read_temperature for log in logs])
    named = any("temperature" in log.document for log in logs)
    if not named and np.all(sample == device.temperature) and np.all(read == device.temperature):
        return {}
    return {"sample_temperature": sample, "read_temperature": read}


def _extremes(logs: list[PhaseLog]) -> dict[str, Any]:
    """Return the largest currents and steps of the phases."""
    extremes = [log.extremes.values() for log in logs]
    return {name: np.array([values[name] for values in extremes]) for name in extremes[0]}


def _snapshots(device: Device, logs: list[PhaseLog]) -> dict[str, Any]:
    """Return the variables along the snapshots and the defects in them."""
    shots = [(index, shot) for index, log in enumerate(logs) for shot in log.snapshots]
    codes = {species.code: number for number, species in enumerate(_species(device))}

    def joined(name: str, dtype: Any) -> np.ndarray[Any, Any]:
        return np.concatenate([np.asarray(shot[name], dtype) for _, shot in shots])

    position = joined("position", float)
    return {
        "snapshot_time": np.array([shot["time"] for _, shot in shots]),
        "snapshot_phase": np.array([index for index, _ in shots], np.int32),
        "snapshot_label": [shot["label"] for _, shot in shots],
        "snapshot_size": np.array([len(shot["sites"]) for _, shot in shots], np.int32),
        "snapshot_voltage": np.array([shot["voltage"] for _, shot in shots], float),
        "snapshot_current": np.array([shot["current"] for _, shot in shots], float),
        "defect_site": joined("sites", np.int32),
        "defect_species": np.array([codes[int(code)] for code in joined("species", np.int8)], np.int8),
        "defect_x": position[:, 0],
        "defect_y": position[:, 1],
        "defect_z": position[:, 2],
        "defect_conducting": joined("conducting", np.int8),
        "defect_temperature": joined("temperature", float),
    }


def _constants(device: Device, read_voltage: float) -> dict[str, Any]:
    return {
        "read_voltage": read_voltage,
        "lattice_spacing": device.lattice.spacing,
        "lattice_shape": np.array(device.shape, np.int32),
        "axis": ["x", "y", "z"],
        "ambient_temperature": device.temperature,
        "series_resistance": float(device.circuit.series_resistance),
        "member": np.int32(device.member),
    }

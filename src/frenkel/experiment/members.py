"""One member of an ensemble, as plain arrays; what the worker processes run.

No xarray, no netCDF: thousands of these processes start at once, and each import asks the file system.
"""

import contextlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..analysis.results import schema
from ..analysis.results.metrics import switching_voltage
from ..configuration import device as config
from ..configuration.device import Configuration
from ..kinetic.device import Device
from ..kinetic.materials.material import Material
from ..mpi_runs.child import Context, Stopped
from . import device_file
from .protocol import Checkpoints, PhaseLog, Protocol

CHECKPOINT_INTERVAL = 60.0  # s of wall time
STRIDE = 2**31  # numbers of members per point of a sweep
SNAPSHOT_END = -1
RAGGED = {"summary": (), "traces": ("sample", "phases"), "all": ("sample", "phases", "snapshot", "defect")}
"""Dimensions whose variables are kept, by the word for it in the configuration."""

Arrays = dict[str, np.ndarray[Any, Any]]


def prepare(settings: dict[str, Any]) -> Callable[[int, Context], tuple[Arrays, dict[str, Any]]]:
    """Return what runs one member.

    Parameters
    ----------
    settings : dict
        ``points``, a list of configurations (one, or one per point of a sweep); ``materials``, and
        ``material_of``, the index into them per point; ``keep``.
    """
    points = [config.parse(document) for document in settings["points"]]
    materials = [
        Material(settings["materials"][index], point.material)
        for index, point in zip(settings["material_of"], points, strict=True)
    ]

    def run(number: int, context: Context) -> tuple[Arrays, dict[str, Any]]:
        point, member = divmod(number, STRIDE)
        configuration = points[point].model_copy(update={"member": member})
        checkpoint = context.folder / f"member-{number}.checkpoint"
        device, logs = _carry_out(configuration, materials[point], checkpoint, context)
        arrays, texts = collect(device, logs, configuration, settings["keep"])
        checkpoint.unlink(missing_ok=True)
        return arrays, {"texts": texts}

    return run


def collect(
    device: Device, logs: list[PhaseLog], configuration: Configuration, keep: str
) -> tuple[Arrays, dict[str, list[str]]]:
    """Return the arrays of a member and the texts that name their entries.

    Parameters
    ----------
    device : Device
    logs : list of PhaseLog
    configuration : Configuration
    keep : {"summary", "traces", "all"}
        Numbers per member and cycle; also the samples and phases; also the snapshots.
    """
    values = device_file.values(device, logs, configuration.read_voltage)
    dropped = {"snapshot", "defect", "sample", "phases"} - set(RAGGED[keep])
    arrays: Arrays = {}
    texts: dict[str, list[str]] = {}
    labels = values.pop("snapshot_label")
    for name in ("phase_name", "phase_kind", "member", "axis"):
        del values[name]  # the same for all members; written once
    for name, value in values.items():
        if _along(name) in dropped:
            continue
        if isinstance(value, list):
            texts[name] = value
        else:
            arrays[name] = np.asarray(value)
    if "phases" not in dropped:
        arrays["phase_step"] = np.cumsum(values["phase_attempt"] == 1, dtype=np.int32) - np.int32(1)
    if "snapshot" not in dropped:
        arrays["snapshot_part"] = np.array([_part(label) for label in labels], np.int8)
    return summary(logs, configuration) | arrays, texts


def summary(logs: list[PhaseLog], configuration: Configuration) -> Arrays:
    """Return the numbers of a member: switching voltages and resistances per cycle, and totals.

    Switching voltages (V) as in :func:`.switching_voltage`, of the last attempt; resistances (ohm) at the
    read voltage after the last RESET and SET of each cycle. NaN where there is none.
    """
    cycles = max((cycle for _, cycle, _ in configuration.phases()), default=0)
    names = ("hrs", "lrs", "on_off", "reset_voltage", "set_voltage")
    rows = {name: np.full(cycles, np.nan) for name in names}
    forming = math.nan
    for log in logs:
        voltage = _switching(log)
        if log.kind == "form" and math.isnan(forming):
            forming = voltage
        if log.cycle and log.kind in ("set", "reset"):
            ohms = configuration.read_voltage / log.read_current if log.read_current else math.inf
            rows["hrs" if log.kind == "reset" else "lrs"][log.cycle - 1] = ohms
            rows[f"{log.kind}_voltage"][log.cycle - 1] = voltage
    finite = np.isfinite(rows["lrs"])
    rows["on_off"][finite] = rows["hrs"][finite] / rows["lrs"][finite]
    last = logs[-1].sample
    totals = {
        "forming_voltage": np.float64(forming),
        "final_resistance": np.float64(
            configuration.read_voltage / logs[-1].read_current if logs[-1].read_current else math.inf
        ),
        "duration": np.float64(last["time"][-1]),
        "hottest": np.float64(max(float(np.max(log.sample["temperature_max"])) for log in logs)),
        "total_events": np.int64(last["events"][-1]),
        "total_field_solves": np.int64(last["field_solves"][-1]),
    }
    return {name: np.asarray(value) for name, value in totals.items()} | rows


def _carry_out(
    configuration: Configuration, material: Material, checkpoint: Path, context: Context
) -> tuple[Device, list[PhaseLog]]:
    """Run the protocol, from a checkpoint if one was left, and leave one when asked to stop."""
    device = Device(material, **configuration.arguments())
    protocol = Protocol.of(configuration, device)
    checkpoints = Checkpoints(checkpoint, CHECKPOINT_INTERVAL)
    if (state := _left(checkpoint)) is not None:
        protocol.restore(state)

    def pause(protocol: Protocol) -> None:
        stopping = context.stopping()
        checkpoints.write(protocol, now=stopping)
        if stopping:
            raise Stopped

    def note(share: float, name: str, device: Device) -> None:
        context.note(
            {
                "phase": name,
                "share": round(share, 4),
                "time": device.time,
                "source_voltage": float(device.source_voltage),
                "events": device.events,
                "member": configuration.member,
                "seed": configuration.seed,
            }
        )

    note(0.0, "start", device)
    return device, protocol.go(pause=pause, progress=note)


def _left(path: Path) -> Any:
    """Return the state that was left in a checkpoint, None if there is none or it is of no use."""
    if not path.exists():
        return None
    from ..analysis.results import store  # brings xarray

    with contextlib.suppress(store.StoreError):
        return store.load_checkpoint(path)["protocol"]
    return None


def _switching(log: PhaseLog) -> float:
    compliance = math.nan if log.compliance is None else log.compliance
    return switching_voltage(log.sample["source_voltage"], log.sample["current"], log.kind, compliance)


def _part(label: str) -> int:
    """Return which snapshot of its phase a label means: 0 at the start, 1, 2 after parts, -1 at the end."""
    last = label.rsplit(": ", 1)[-1]
    return {"start": 0, "end": SNAPSHOT_END}[last] if last in ("start", "end") else int(last.split()[1])


def _along(name: str) -> str:
    """Return the first dimension of a variable of a result, "" for a scalar."""
    dims = schema.VARIABLES[name].dims
    return dims[0] if dims else ""

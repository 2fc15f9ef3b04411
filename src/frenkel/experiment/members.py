"""One member of an ensemble, as plain arrays; what the worker processes run.

No xarray, no netCDF: thousands of these processes start at once, and each import asks the file system.
"""

import contextlib
import io
import logging
import math
import zlib
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analysis.results.melting import melting
from ..analysis.results.readout import terminal_resistance
from ..analysis.results.switching import switching_voltage
from ..configuration.device import Configuration
from ..configuration.points import Members, points_of
from ..data import schema, store
from ..data.member_parts import RAGGED, part_of
from ..kinetic.device import Device
from ..kinetic.materials.material import Material
from ..mpi_runs import shards
from ..mpi_runs.child import Context, Stopped
from . import device_file
from .protocol import Checkpoints, PhaseLog, Protocol

if TYPE_CHECKING:
    from .state_survey.measurement import Measurement

CHECKPOINT_INTERVAL = 60.0  # s of wall time
STRIDE = 2**31  # numbers of members per point of a sweep
STATE = "final_state"  # of a member, among the arrays of its record
FORMER = "former.npy"  # where the records with the states to begin from are: member, shard, offset, length
logger = logging.getLogger(__name__)
Arrays = dict[str, np.ndarray[Any, Any]]


def prepare(settings: dict[str, Any]) -> Callable[[int, Context], tuple[Arrays, dict[str, Any]]]:
    """Return what runs one member.

    Parameters
    ----------
    settings : dict
        As :meth:`.Ensemble.document` returns it.
    """
    points = points_of(settings)

    @lru_cache(maxsize=1)  # members of a point come one after another
    def read(point: int) -> Members:
        return Members(points[point])

    def run(number: int, context: Context) -> tuple[Arrays, dict[str, Any]]:
        point, member = divmod(number, STRIDE)
        configuration, material = read(point).member(member)
        checkpoint = context.folder / f"member-{number}.checkpoint"
        local = _local(checkpoint, context.scratch)
        device = Device(material, **configuration.arguments())
        measurement = _measurement(configuration, material, device)
        protocol = Protocol.of(configuration, device, measurement)
        state = _left({local, checkpoint})
        if state is None and settings.get("former"):
            state = _final(context.folder / FORMER, settings["former"], number)
        if state is not None:
            protocol.restore(state)
            logger.info("goes on at phase %d", protocol.position.phase)
        _carry_out(protocol, local, checkpoint, context)
        arrays, texts = collect(device, protocol.logs, configuration, settings["keep"])
        if measurement is not None:
            arrays |= measurement.arrays()
        if settings.get("keep_state"):
            arrays[STATE] = _packed(protocol)
        for path in {local, checkpoint}:
            path.unlink(missing_ok=True)
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
        arrays["snapshot_part"] = np.array([part_of(label) for label in labels], np.int32)
    return summary(logs, configuration, device.melting_point) | arrays, texts


def _measurement(configuration: Configuration, material: Material, device: Device) -> "Measurement | None":
    """Return what a configuration looks at beside its protocol, None if it has no such section."""
    if configuration.measure is None:
        return None
    from .state_survey.measurement import Measurement  # the survey of states, which most ensembles do without

    arguments = configuration.arguments()

    def make(temperature: float) -> Device:
        return Device(material, **arguments | {"temperature": temperature})

    return Measurement(configuration, device, make)


def summary(logs: list[PhaseLog], configuration: Configuration, melting_point: float = 0.0) -> Arrays:
    """Return the numbers of a member: switching voltages and resistances per cycle, and totals.

    Switching voltages (V) as in :func:`.switching_voltage`, of the last attempt; resistances (ohm) at the
    read voltage after the last RESET and SET of each cycle, of the device and at the terminals
    (:func:`.terminal_resistance`); largest current of its last RESET (A). NaN where
    there is none.
    """
    cycles = max((cycle for _, cycle, _ in configuration.phases()), default=0)
    names = ["hrs", "lrs", "on_off", "reset_voltage", "reset_current", "set_voltage"]
    names += ["hrs_terminal", "lrs_terminal"]
    rows = {name: np.full(cycles, np.nan) for name in names}
    forming = math.nan
    for log in logs:
        voltage = _switching(log)
        if log.kind == "form" and math.isnan(forming):
            forming = voltage
        if log.cycle and log.kind in ("set", "reset"):
            ohms = configuration.read_voltage / log.read_current if log.read_current else math.inf
            state = "hrs" if log.kind == "reset" else "lrs"
            rows[state][log.cycle - 1] = ohms
            curve = log.sample["source_voltage"], log.sample["current"]
            terminal = terminal_resistance(*curve, configuration.read_voltage)
            rows[f"{state}_terminal"][log.cycle - 1] = terminal
            rows[f"{log.kind}_voltage"][log.cycle - 1] = voltage
        if log.cycle and log.kind == "reset":
            rows["reset_current"][log.cycle - 1] = log.extremes.out.current
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
        "time_above_melting": np.float64(_time_above(logs, melting_point)),
        "total_events": np.int64(last["events"][-1]),
        "total_field_solves": np.int64(last["field_solves"][-1]),
    }
    return {name: np.asarray(value) for name, value in totals.items()} | rows


def _time_above(logs: list[PhaseLog], point: float) -> float:
    """Return the longest time (s) above a melting point (K), NaN where that is not known (0)."""
    time, hottest = (
        np.concatenate([log.sample[name] for log in logs]) for name in ("time", "temperature_max")
    )
    return melting(time, hottest, point).longest if point else math.nan


def _local(checkpoint: Path, scratch: Path | None) -> Path:
    """Return where a running member leaves its checkpoints: on a disk of this node, if there is one."""
    if scratch is None:
        return checkpoint
    try:
        scratch.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        logger.warning("leaves its checkpoints in the folder of the run: %s", error)
        return checkpoint
    return scratch / checkpoint.name


def _carry_out(protocol: Protocol, local: Path, checkpoint: Path, context: Context) -> None:
    """Run what is left of a protocol, with checkpoints on the way, and one in the run if asked to stop."""
    on_the_way, last = Checkpoints(local, CHECKPOINT_INTERVAL), Checkpoints(checkpoint, CHECKPOINT_INTERVAL)

    def pause(protocol: Protocol) -> None:
        if context.stopping():
            last.write(protocol, now=True)
            raise Stopped
        on_the_way.write(protocol)

    def note(share: float, name: str, device: Device) -> None:
        context.note(
            {
                "phase": name,
                "share": round(share, 4),
                "time": device.time,
                "source_voltage": float(device.source_voltage),
                "events": device.events,
                "member": device.member,
                "seed": device.seed,
            }
        )

    note(0.0, "start", protocol.device)
    protocol.go(pause=pause, progress=note)


def _left(paths: Iterable[Path]) -> Any:
    """Return the state in the latest of some checkpoints, None if there is none or they are of no use.

    Any of them gives the same result; should the clocks of two disks differ, it only takes longer.
    """
    for path in sorted((path for path in paths if path.exists()), key=_age):
        with contextlib.suppress(store.StoreError):
            return store.load_checkpoint(path)["protocol"]
    return None


def _age(path: Path) -> float:
    return -path.stat().st_mtime


def _packed(protocol: Protocol) -> np.ndarray[Any, Any]:
    """Return the state of a protocol as bytes; :func:`_final` reads them."""
    return np.frombuffer(zlib.compress(store.pack({"protocol": protocol.state()}), 1), np.uint8)


def _final(index: Path, former: Sequence[str], number: int) -> Any:
    """Return the final state of a member in a run of fewer cycles, None if there is none."""
    rows = np.load(index, mmap_mode="r")
    place = int(np.searchsorted(rows[:, 0], number))
    if place == len(rows) or rows[place, 0] != number:
        return None
    _, shard, offset, length = rows[place].tolist()
    try:
        with open(former[shard], "rb") as stream:
            stream.seek(offset)
            arrays = shards.decode(stream.read(length))[3]
        return store.unpack(io.BytesIO(zlib.decompress(arrays[STATE].tobytes())), former[shard])["protocol"]
    except (OSError, KeyError, zlib.error) as error:
        logger.warning("runs from the start, since its final state cannot be read: %s", error)
        return None


def _switching(log: PhaseLog) -> float:
    compliance = math.nan if log.compliance is None else log.compliance
    return switching_voltage(log.sample["source_voltage"], log.sample["current"], log.kind, compliance)


def _along(name: str) -> str:
    """Return the first dimension of a variable of a result, "" for a scalar."""
    dims = schema.VARIABLES[name].dims
    return dims[0] if dims else ""

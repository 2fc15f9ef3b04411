"""What the model of the farm expects of a large run, in plain text."""

from pathlib import Path

import numpy as np

from ..data import content, netcdf
from ..mpi_runs import model
from ..progress import duration
from ..typing import Floats


def forecast(times: Floats, ranks: int, shards: int, members: int, size: float) -> str:
    """Return how long an ensemble would take, and what would limit it.

    Parameters
    ----------
    times : ndarray
        Durations (s) of the members of one shard.
    ranks, shards : int
        Processes, and parts with managers of their own that they are divided into.
    members : int
        Of all shards.
    size : float
        Data of a member (bytes).
    """
    ranks_here = max(ranks // shards, 1)
    noise = np.exp(0.5 * np.random.default_rng(2).standard_normal(len(times)))
    estimates = {
        "members all expected alike": model.simulate(times, ranks_here),
        "longest first, by estimates wrong by e^0.5": model.simulate(
            times, ranks_here, estimates=times * noise
        ),
    }
    time_per_rank = float(times.sum()) / ranks_here
    divided = f" in {shards} shards" if shards > 1 else ""
    lines = [
        f"{members} members on {ranks} ranks{divided}: mean {times.mean():.3g} s, "
        f"longest {times.max():.4g} s, {duration(time_per_rank)} of work each"
    ]
    for name, run in estimates.items():
        lines.append(
            f"{name}: {duration(run.wall)} ({run.wall:.4g} s), {run.efficiency:.3f} of the possible speed, "
            f"{run.messages:.0f} tasks/s of {1 / model.SERVICE:.0f}, manager busy {100 * run.manager:.0f} %"
        )
    busiest = max(run.manager for run in estimates.values())
    if busiest > 0.5:
        lines.append(
            f"the manager limits: divide it with --shards {max(2, round(2 * busiest)) * shards} or more"
        )
    if times.max() > time_per_rank:
        lines.append("the longest member limits: no number of ranks helps, a limit for members does")
    calls, data = model.FILE_CALLS * ranks, size * members
    lines += [
        f"start: {calls:.2g} file calls, {duration(calls / model.METADATA_RATE)} at 5e4/s "
        "on a shared file system; from a container image, or a copy on each node, seconds",
        f"files: {ranks} shards, one per process (--shard auto: one per node), {data / 1e9:.3g} GB; "
        f"merging takes about {duration(data / model.MERGE_RATE)}",
    ]
    return "\n".join(lines)


def devices_for(fraction: float, width: float, cycles: int) -> tuple[int, str]:
    """Return how many devices a variance fraction needs, and a sentence that says so.

    Parameters
    ----------
    fraction, width : float
        Expected fraction, and full width of its 95 % interval.
    cycles : int
        Of each device.
    """
    from ..analysis.statistics.variance import devices_needed  # scipy, which a forecast does without

    devices = devices_needed(fraction, width, cycles)
    return devices, (
        f"{devices} devices of {cycles} cycles: a 95 % interval {width:g} wide around a variance fraction of "
        f"{fraction:g}, for normal values and cycles without memory (10.1002/sim.1108)"
    )


def durations_like(path: Path, number: int, limit: float | None = None) -> Floats:
    """Draw durations (s) of members from those that an ensemble recorded, none above a limit (s)."""
    content.check(path)
    with netcdf.direct(path, "r") as file:
        recorded = np.asarray(file["provenance/wall_time"][...], float).ravel()
    durations: Floats = np.random.default_rng(1).choice(recorded[np.isfinite(recorded)], number)
    return durations if limit is None else np.minimum(durations, limit)

"""Commands for clusters: a job script for Slurm, and a forecast of a large run."""

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

Add = Callable[..., argparse.ArgumentParser]


def add_slurm(commands: Any, add: Add, add_set: Callable[[argparse.ArgumentParser], None]) -> None:
    """Add ``frenkel slurm``."""
    parser = add(
        commands,
        "slurm",
        slurm,
        "print a job script that runs an ensemble under Slurm and goes on until it is done",
        "frenkel slurm switching.toml --members 100000 --nodes 4 --tasks 64 --time 24:00:00 > job.sh",
    )
    parser.add_argument("file", type=Path, metavar="FILE.toml", help="configuration")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT.nc", help="result")
    parser.add_argument("--members", type=positive, metavar="N", help="devices")
    parser.add_argument("--nodes", type=positive, default=1, metavar="N", help="nodes (default: 1)")
    parser.add_argument(
        "--tasks",
        type=positive,
        default=1,
        metavar="N",
        help="cores to use on each node, or for each array element",
    )
    parser.add_argument("--time", default="24:00:00", metavar="TIME", help="wall time of a job (24:00:00)")
    parser.add_argument(
        "--array", type=positive, default=0, metavar="N", help="an array of N jobs without MPI"
    )
    parser.add_argument(
        "--margin",
        type=positive,
        default=180,
        metavar="SECONDS",
        help="stop this long before the end (default: 180); Slurm may be a minute early",
    )
    parser.add_argument("--account", default="", help="account")
    parser.add_argument("--partition", default="", help="partition")
    add_set(parser)


def add_plan(commands: Any, add: Add) -> None:
    """Add ``frenkel plan``."""
    parser = add(
        commands,
        "plan",
        plan,
        "say how long an ensemble would take on many ranks, and what would limit it",
        'frenkel plan --members 1000000 --ranks 10000 --mean "10 s" --spread 1.0',
    )
    parser.add_argument("--members", type=positive, required=True, metavar="N", help="devices")
    parser.add_argument("--ranks", type=positive, required=True, metavar="N", help="processes")
    parser.add_argument(
        "--mean", type=seconds, default=10.0, metavar="TIME", help="mean time of a member (10 s)"
    )
    parser.add_argument("--spread", type=float, default=1.0, help="standard deviation of its logarithm (1)")
    parser.add_argument("--like", type=Path, metavar="ENSEMBLE.nc", help="take the times from there instead")
    parser.add_argument("--member-limit", type=seconds, metavar="TIME", help="longest time of one member")
    parser.add_argument("--size", type=float, default=20.0, metavar="KB", help="data of a member in kB (20)")
    parser.add_argument(
        "--shards", type=positive, default=1, metavar="N", help="parts with managers of their own"
    )


def slurm(options: argparse.Namespace) -> int:
    """Print a job script."""
    from ..mpi_runs.slurm import Request, script

    output = options.output or Path(options.file.stem + ".nc")
    command = ["frenkel", "run", str(options.file), "-o", str(output)]
    command += ["--members", str(options.members)] if options.members else []
    command += [word for change in options.changes for word in ("--set", change)]
    asked = {name: getattr(options, name) for name in ("nodes", "tasks", "time", "margin", "array")}
    asked |= {"account": options.account, "partition": options.partition}
    print(script(Request(command=command, output=output, **asked)), end="")
    return 0


def plan(options: argparse.Namespace) -> int:
    """Print a forecast."""
    print(forecast(options))
    return 0


def forecast(asked: argparse.Namespace) -> str:
    """Return what the model of the farm says of a run, as ``frenkel plan`` asks for it."""
    import numpy as np

    from ..mpi_runs import model
    from ..progress import duration

    members, ranks = asked.members // asked.shards, max(asked.ranks // asked.shards, 1)
    if asked.like is None:
        times = model.durations(members, asked.mean, asked.spread, limit=asked.member_limit)
    else:
        times = _like(asked.like, members, asked.member_limit)
    noise = np.exp(0.5 * np.random.default_rng(2).standard_normal(members))
    found = {
        "members all expected alike": model.simulate(times, ranks),
        "longest first, by estimates wrong by e^0.5": model.simulate(times, ranks, estimates=times * noise),
    }
    each = float(times.sum()) / ranks
    divided = f" in {asked.shards} shards" if asked.shards > 1 else ""
    lines = [
        f"{asked.members} members on {asked.ranks} ranks{divided}: mean {times.mean():.3g} s, "
        f"longest {times.max():.4g} s, {duration(each)} of work each"
    ]
    for name, one in found.items():
        lines.append(
            f"{name}: {duration(one.wall)} ({one.wall:.4g} s), {one.efficiency:.3f} of the possible speed, "
            f"{one.messages:.0f} tasks/s of {1 / model.SERVICE:.0f}, manager busy {100 * one.manager:.0f} %"
        )
    busiest = max(one.manager for one in found.values())
    if busiest > 0.5:
        lines.append(
            f"the manager limits: divide it with --shards {max(2, round(2 * busiest)) * asked.shards} or more"
        )
    if times.max() > each:
        lines.append("the longest member limits: no number of ranks helps, a limit for members does")
    calls, size = model.FILE_CALLS * asked.ranks, 1e3 * asked.size * asked.members
    lines += [
        f"start: {calls:.2g} file calls, {duration(calls / model.METADATA_RATE)} at 5e4/s "
        "on a shared file system; from a container image, or a copy on each node, seconds",
        f"files: {asked.ranks} shards, one per process (--shard auto: one per node), {size / 1e9:.3g} GB; "
        f"merging takes about {duration(size / model.MERGE_RATE)}",
    ]
    return "\n".join(lines)


def _like(path: Path, number: int, limit: float | None) -> Any:
    """Draw durations from those that were measured."""
    import netCDF4
    import numpy as np

    with netCDF4.Dataset(path) as file:
        found = np.asarray(file["provenance/wall_time"][...], float).ravel()
    drawn = np.random.default_rng(1).choice(found[np.isfinite(found)], number)
    return drawn if limit is None else np.minimum(drawn, limit)


def seconds(text: str) -> float:
    """Read a time: "23:50:00", "1-12:00:00" (days first), "90 min", "30 s"; a bare number is seconds."""
    from ..configuration.quantity import to_si

    clock = re.fullmatch(r"(?:(\d+)-)?(\d+):(\d\d)(?::(\d\d))?", text.strip())
    if clock:
        days, hours, minutes, rest = (int(part or 0) for part in clock.groups())
        return float(((days * 24 + hours) * 60 + minutes) * 60 + rest)
    try:
        return float(text) if re.fullmatch(r"[\d.]+", text.strip()) else to_si(text, "s", 0.0, 1e9)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def positive(text: str) -> int:
    """Read a whole number from 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {number}")
    return number

"""Commands for clusters: a job script for Slurm, and a forecast of a large run."""

import argparse
from pathlib import Path
from typing import Any

from .common import CHANGES, CONFIGURATION, OUTPUT, Option, UsageError, add
from .values import positive, seconds

MEMBERS = Option("--members", type=positive, metavar="N", help="devices")
MEMBER_LIMIT = Option("--member-limit", type=seconds, metavar="TIME", help="longest time of one member")


def add_commands(commands: Any) -> None:
    """Add "slurm" and "plan" to the parser of commands."""
    add(
        commands,
        "slurm",
        _slurm,
        "print a job script that runs an ensemble under Slurm and goes on until it is done",
        "frenkel slurm switching.toml --members 100000 --nodes 4 --tasks 64 --time 24:00:00 > job.sh",
        CONFIGURATION,
        OUTPUT,
        MEMBERS,
        Option("--nodes", type=positive, default=1, metavar="N", help="nodes (default: 1)"),
        Option(
            "--tasks",
            type=positive,
            default=1,
            metavar="N",
            help="cores to use on each node, or for each array element",
        ),
        Option("--time", default="24:00:00", metavar="TIME", help="wall time of a job (24:00:00)"),
        Option("--array", type=positive, default=0, metavar="N", help="an array of N jobs without MPI"),
        Option(
            "--margin",
            type=positive,
            default=180,
            metavar="SECONDS",
            help="stop this long before the end (default: 180); Slurm may be a minute early",
        ),
        Option("--account", default="", help="account"),
        Option("--partition", default="", help="partition"),
        CHANGES,
    )
    add(
        commands,
        "plan",
        _plan,
        "say how long an ensemble would take on many ranks, and what would limit it",
        'frenkel plan --members 1000000 --ranks 10000 --mean "10 s" --spread 1.0',
        MEMBERS.but(required=True),
        Option("--ranks", type=positive, required=True, metavar="N", help="processes"),
        Option("--mean", type=seconds, default=10.0, metavar="TIME", help="mean time of a member (10 s)"),
        Option("--spread", type=float, default=1.0, help="standard deviation of its logarithm (1)"),
        Option("--like", type=Path, metavar="ENSEMBLE.nc", help="take the times from there instead"),
        MEMBER_LIMIT,
        Option("--size", type=float, default=20.0, metavar="KB", help="data of a member in kB (20)"),
        Option("--shards", type=positive, default=1, metavar="N", help="parts with managers of their own"),
    )


def _slurm(options: argparse.Namespace) -> None:
    from ..mpi_runs.slurm import Request, script

    output = options.output or Path(options.file.stem + ".nc")
    command = ["frenkel", "run", str(options.file), "-o", str(output)]
    command += ["--members", str(options.members)] if options.members else []
    command += [word for change in options.changes for word in ("--set", change)]
    asked = {
        name: getattr(options, name)
        for name in ("nodes", "tasks", "time", "margin", "array", "account", "partition")
    }
    print(script(Request(command=command, output=output, **asked)), end="")


def _plan(options: argparse.Namespace) -> None:
    from ..checks import whole
    from ..mpi_runs import model
    from ..reports.forecast import durations_like, forecast

    whole("--ranks", options.ranks, 1, 10_000_000, UsageError)
    whole("--shards", options.shards, 1, options.members, UsageError)
    members, limit = options.members // options.shards, options.member_limit
    if options.like is None:
        times = model.durations(members, options.mean, options.spread, limit=limit)
    else:
        times = durations_like(options.like, members, limit)
    print(forecast(times, options.ranks, options.shards, options.members, 1e3 * options.size))

"""Commands for long runs: job scripts, a forecast, and what a run is doing."""

# Imports inside functions keep numpy, scipy, xarray, pydantic and rich from loading for other commands.

import argparse
import contextlib
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..data import forms
from ..escape import shell
from ..mpi_runs.jobs import Request, schedulers, script
from .common import (
    CHANGES,
    CONFIGURATION,
    CYCLES,
    MEMBER_LIMIT,
    MEMBERS,
    OUTPUT,
    SCRATCH,
    Option,
    OptionGroup,
    RenamedOption,
    UsageError,
    add,
)
from .values import folder_text, fraction, memory, positive, seconds, word

JOB = (
    CONFIGURATION,
    OUTPUT,
    MEMBERS,
    CHANGES,
    OptionGroup(
        "size of the job",
        Option("--nodes", type=positive, default=1, metavar="N", help="nodes (default: 1)"),
        Option(
            "--tasks",
            type=positive,
            default=1,
            metavar="N",
            help="cores on each node, or for each array element",
        ),
        Option(
            "--time",
            type=seconds,
            default="24:00:00",
            metavar="TIME",
            help="wall time of a job (default: 24:00:00)",
        ),
        Option("--array", type=positive, default=0, metavar="N", help="an array of N jobs without MPI"),
        Option("--mem", type=memory, metavar="16G", help="memory of a node, or of an array element"),
        Option(
            "--margin",
            type=positive,
            default=180,
            metavar="SECONDS",
            help="stop this long before the end (default: 180); Slurm may be a minute early",
        ),
    ),
    OptionGroup(
        "of the site",
        Option("--account", type=word, metavar="NAME", help="account, or project"),
        Option("--partition", "--queue", type=word, metavar="NAME", help="partition, or queue"),
        Option("--qos", type=word, metavar="NAME", help="quality of service, or service class"),
        Option(
            "--constraint", type=word, metavar="WORD", help="what nodes must have, as the scheduler writes it"
        ),
        Option("--mail", type=word, metavar="ADDRESS", help="tell the end and failures of jobs"),
        Option(
            "--module",
            action="append",
            default=[],
            type=word,
            dest="modules",
            metavar="NAME",
            help="module to load; may be given several times",
        ),
        SCRATCH.but(
            type=folder_text,
            help="folder on a disk of each node for checkpoints, such as '$TMPDIR' (the job puts it in)",
        ),
    ),
)
"""What a job script is made from."""


def add_commands(commands: Any) -> None:
    """Add "job", "plan" and "watch" to the parser of commands."""
    add(
        commands,
        "job",
        _job,
        "print a job script for a cluster",
        "frenkel job switching.toml --scheduler slurm --members 100000 --nodes 4 --tasks 64 > job.sh",
        Option(
            "--scheduler",
            choices=schedulers(),
            required=True,
            metavar="NAME",
            help=f"scheduler of the cluster: {', '.join(schedulers())}",
        ),
        RenamedOption("--engine", now="--scheduler"),
        *JOB,
        about="The job starts again until the ensemble is done.",
    )
    add(
        commands,
        "plan",
        _plan,
        "predict the run time of an ensemble, or its size",
        'frenkel plan --members 1000000 --ranks 10000 --mean "10 s" --spread 1.0',
        MEMBERS,
        Option("--ranks", type=positive, metavar="N", help="processes"),
        Option(
            "--fraction",
            type=fraction,
            metavar="F WIDTH",
            help="say how many devices the fraction of a variance that belongs to the device needs: "
            '"0.5 0.2" is a 95 %% interval 0.2 wide around 0.5; --members is then not needed',
        ),
        CYCLES.but(default=20, help="cycles of each device (20)"),
        Option("--mean", type=seconds, default=10.0, metavar="TIME", help="mean time of a member (10 s)"),
        Option("--spread", type=float, default=1.0, help="standard deviation of its logarithm (1)"),
        Option("--like", type=Path, metavar="ENSEMBLE.nc", help="take the times from there instead"),
        MEMBER_LIMIT,
        Option("--size", type=float, default=20.0, metavar="KB", help="data of a member in kB (20)"),
        Option("--shards", type=positive, default=1, metavar="N", help="parts with managers of their own"),
        about="With --ranks also the bottleneck.",
    )
    add(
        commands,
        "watch",
        _watch,
        "show what a run is doing",
        "frenkel watch ensemble.nc",
        Option("file", type=Path, metavar="OUT.nc", help="result that is being made"),
        Option("--every", type=float, default=2.0, metavar="SECONDS", help="between looks (default: 2)"),
        Option("--once", action="store_true", help="look once and leave, as where there is no terminal"),
        about="Quantiles of the devices that finished, or the present loop of one device.",
    )


def _job(options: argparse.Namespace) -> None:
    output = options.output or Path(options.file.stem + ".nc")
    command = ["frenkel", "run", str(options.file), "-o", str(output)]
    command += ["--members", str(options.members)] if options.members else []
    command += [text for change in options.changes for text in ("--set", change)]
    options_of = {field.name: getattr(options, field.name, None) for field in fields(Request)}
    request: dict[str, Any] = {name: value for name, value in options_of.items() if value is not None}
    request |= {"command": command, "output": output}
    try:
        print(script(options.scheduler, Request(**request)), end="")
    except ValueError as error:
        raise UsageError(str(error)) from None


def _plan(options: argparse.Namespace) -> None:
    from ..checks import whole
    from ..mpi_runs import model
    from ..reports.forecast import devices_for, durations_like, forecast

    if options.fraction is not None:
        share, width = options.fraction
        whole("--cycles", options.cycles, 2, 100_000, UsageError)
        devices, text = devices_for(share, width, options.cycles)
        print(text)
        options.members = options.members or devices
        if options.ranks is None:
            return
    for name in ("members", "ranks"):
        if getattr(options, name) is None:
            raise UsageError(f"plan needs --{name}, or --fraction alone")
    whole("--ranks", options.ranks, 1, 10_000_000, UsageError)
    whole("--shards", options.shards, 1, options.members, UsageError)
    if not 0.0 <= options.spread <= 10.0:
        raise UsageError(f"--spread must be between 0 and 10, got {options.spread:g}")
    members, limit = options.members // options.shards, options.member_limit
    if options.like is None:
        times = model.durations(members, options.mean, options.spread, limit=limit)
    else:
        times = durations_like(options.like, members, limit)
    print(forecast(times, options.ranks, options.shards, options.members, 1e3 * options.size))


def _watch(options: argparse.Namespace) -> None:
    """Look at a run until it is over."""
    from ..data.store import StoreError
    from ..reports import watch

    if not 0.1 <= options.every <= 3600:
        raise UsageError(f"--every must be between 0.1 and 3600 s, got {options.every:g}")
    folder = options.file if options.file.is_dir() else forms.run_folder(options.file)
    checkpoint = options.file.with_name(options.file.name + ".checkpoint")
    if not folder.is_dir() and not checkpoint.exists():
        command = shell("frenkel", "show", str(options.file))
        ending = f"; it is finished, {command} prints it" if options.file.exists() else ""
        raise OSError(f"nothing is running for {options.file}: no {folder} and no {checkpoint}{ending}")

    def look() -> str:
        return watch.ensemble(folder) if folder.is_dir() else watch.device(checkpoint)

    if options.once or not sys.stdout.isatty():
        print(look())
        return
    from rich.live import Live
    from rich.text import Text

    with Live(Text(look()), auto_refresh=False) as live:
        while not watch.over(options.file, folder):
            time.sleep(options.every)
            with contextlib.suppress(OSError, StoreError):  # being written, or just gone
                live.update(Text(look()), refresh=True)

"""The command that looks at a run while it goes on."""

import argparse
import contextlib
import sys
import time
from pathlib import Path
from typing import Any

from .common import Option, UsageError, add


def add_commands(commands: Any) -> None:
    """Add "watch" to the parser of commands."""
    add(
        commands,
        "watch",
        _watch,
        "show what a run is doing: quantiles of the devices that finished, the loop of one that runs",
        "frenkel watch ensemble.nc",
        Option("file", type=Path, metavar="OUT.nc", help="result that is being made"),
        Option("--every", type=float, default=2.0, metavar="SECONDS", help="between looks (default: 2)"),
        Option("--once", action="store_true", help="look once and leave, as where there is no terminal"),
    )


def _watch(options: argparse.Namespace) -> None:
    """Look at a run until it is over."""
    from ..analysis.results.store import StoreError
    from ..experiment.ensemble import run_folder
    from ..reports import watch

    if not 0.1 <= options.every <= 3600:
        raise UsageError(f"--every must be between 0.1 and 3600 s, got {options.every:g}")
    folder = options.file if options.file.is_dir() else run_folder(options.file)
    checkpoint = options.file.with_name(options.file.name + ".checkpoint")
    if not folder.is_dir() and not checkpoint.exists():
        done = f"; it is finished, frenkel show {options.file} prints it" if options.file.exists() else ""
        raise OSError(f"nothing is running for {options.file}: no {folder} and no {checkpoint}{done}")

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

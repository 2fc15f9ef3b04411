"""Arrays on the command line: ``frenkel run``, ``check``, ``show`` and ``again`` come here for them."""

# Imports inside functions keep numpy, scipy, xarray and pydantic from loading for other commands.

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..progress import Reporter
from .common import UsageError, check_ending, check_picture, read

if TYPE_CHECKING:
    import xarray as xr


def run(options: argparse.Namespace) -> int:
    """Run the configuration of an array and write its result and its pictures."""
    from ..data import store
    from ..experiment import array as array_experiment
    from ..experiment import array_file
    from ..reports.array import describe

    for name in ("members", "only", "until", "shard", "dask", "resume"):
        if getattr(options, name) not in (None, False):
            raise UsageError(f"--{name} is for devices, not for an array")
    settings = read(options.file, options.changes, options.seed, arrays=True)
    output = options.output or Path(options.file.stem + ".nc")
    check_ending(output, ".nc")
    store.writable(output, force=options.force)
    check_picture(options.plot, options.force)
    begin = time.monotonic()
    with Reporter(lines=options.verbose, quiet=options.quiet) as progress:
        result = array_experiment.run(settings, folder=options.file.parent, progress=progress)
    array_file.save(result, output, force=options.force)
    print(f"wrote {output} after {time.monotonic() - begin:.0f} s")
    _draw(result, options)
    print(describe(result))
    return 0


def check(options: argparse.Namespace) -> None:
    """Print what a configuration of an array would do."""
    from ..experiment.array_memory import check_memory
    from ..reports.array import plan

    settings = read(options.file, options.changes, arrays=True)
    check_memory(settings, options.file.parent)
    print(plan(settings))


def show(options: argparse.Namespace) -> bool:
    """Describe and draw the result of an array; return whether it is one."""
    from ..data import kinds
    from ..experiment import array_file
    from ..reports.array import describe

    if kinds.kind_of(options.file) != "array":
        return False
    result = array_file.load(options.file)
    try:
        print(describe(result))
        _draw(result, options)
    except KeyError as error:  # a run leaves out what it did not do, but what it did has several variables
        raise ValueError(f"{options.file} is not complete: {error.args[0]}") from error
    return True


def again(path: Path) -> int | None:
    """Run a recorded array again and compare bit by bit; None where it is no array."""
    from ..data import kinds
    from ..experiment import array as array_experiment
    from ..experiment import array_file

    if kinds.kind_of(path) != "array":
        return None
    recorded = array_file.load(path)
    result = array_experiment.again(recorded, str(path))
    for name in recorded.variables:
        if not recorded[name].identical(result[name]) and not _equal(recorded[name], result[name]):
            print(f"different: {name} (first: {path}, second: run now)")
            return 1
    print(f"equal: {path} is reproduced bit by bit")
    return 0


def _equal(one: "xr.DataArray", other: "xr.DataArray") -> bool:
    return one.shape == other.shape and bool(((one == other) | ((one != one) & (other != other))).all())


def _draw(result: "xr.Dataset", options: argparse.Namespace) -> None:
    """Write a picture of each kind that the result has: the first as named, others as NAME-energy.png."""
    if options.plot is None:
        return
    from ..analysis.plots import array as array_plot

    for path in array_plot.save(result, options.plot, force=options.force):
        print(f"wrote {path}")

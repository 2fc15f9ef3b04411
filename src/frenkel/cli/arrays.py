"""Arrays on the command line: ``frenkel run``, ``check``, ``show`` and ``again`` come here for them."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

Read = Callable[[argparse.Namespace], Any]
USAGE = 2


def is_configuration(path: Path) -> bool:
    """Tell whether a configuration is one of an array: it has a table [array]."""
    import tomllib

    try:
        return "array" in tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False  # said in full where the file is read


def run(options: argparse.Namespace, read: Read) -> int:
    """Run the configuration of an array and write its result and its pictures."""
    from ..analysis.plots import page as plot
    from ..analysis.results import store
    from ..experiment import array as array_experiment
    from ..experiment import array_file
    from ..progress import Reporter

    for name in ("members", "only", "until", "shard", "dask"):
        if getattr(options, name) is not None:
            return _complain(f"--{name} is for devices, not for an array")
    if options.resume:
        return _complain("--resume is for devices, not for an array")
    options.arrays = True
    settings = read(options)
    if options.seed is not None:
        settings = settings.model_copy(update={"seed": options.seed})
    output = options.output or Path(options.file.stem + ".nc")
    if output.suffix.lower() != ".nc":
        return _complain(f"--output must end in .nc, got {str(output)!r}")
    store.writable(output, force=options.force)
    if options.plot is not None:
        try:
            plot.check_name(options.plot)
        except ValueError as error:
            return _complain(str(error))
    begin = time.monotonic()
    with Reporter(lines=options.verbose, quiet=options.quiet) as progress:
        result = array_experiment.run(settings, folder=options.file.parent, progress=progress)
    array_file.save(result, output, force=options.force)
    print(f"wrote {output} after {time.monotonic() - begin:.0f} s")
    _draw(result, options)
    print(_describe(result))
    return 0


def check(options: argparse.Namespace, read: Read) -> None:
    """Say what a configuration of an array would do."""
    from ..reports.array import plan

    options.arrays = True
    print(plan(read(options)))


def show(options: argparse.Namespace) -> bool:
    """Describe and draw the result of an array; return whether it is one."""
    from ..experiment import array_file

    if not array_file.is_array(options.file):
        return False
    result = array_file.load(options.file)
    print(_describe(result))
    _draw(result, options)
    return True


def again(options: argparse.Namespace) -> int | None:
    """Run a recorded array again and compare bit by bit; None where it is no array."""
    from ..experiment import array as array_experiment
    from ..experiment import array_file

    if not array_file.is_array(options.file):
        return None
    recorded = array_file.load(options.file)
    result = array_experiment.again(recorded, str(options.file))
    for name in recorded.variables:
        if not recorded[name].identical(result[name]) and not _equal(recorded[name], result[name]):
            print(f"different: {name} (first: {options.file}, second: run now)")
            return 1
    print(f"equal: {options.file} is reproduced bit by bit")
    return 0


def _equal(one: "xr.DataArray", other: "xr.DataArray") -> bool:
    return one.shape == other.shape and bool(((one == other) | ((one != one) & (other != other))).all())


def _describe(result: "xr.Dataset") -> str:
    from ..reports.array import describe

    return describe(result)


def _draw(result: "xr.Dataset", options: argparse.Namespace) -> None:
    """Write one picture of each kind that the result has: NAME-programming.png and so on."""
    if options.plot is None:
        return
    from ..analysis.plots import array as array_plot

    for path in array_plot.save(result, options.plot, force=options.force):
        print(f"wrote {path}")


def _complain(sentence: str) -> int:
    print(f"frenkel: {' '.join(sentence.split())}", file=sys.stderr)
    return USAGE

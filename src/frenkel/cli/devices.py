"""One device on the command line: ``frenkel run``, ``check``, ``show`` and ``again`` come here for it."""

# Imports inside functions keep numpy, scipy, xarray and pydantic from loading for other commands.

import argparse
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import provenance
from ..progress import Reporter
from ..threads import load_blas_alone
from . import ensembles
from .common import Terminated, check_ending, check_picture, draw, read

if TYPE_CHECKING:
    from ..data.columns import ResultTable


def run(options: argparse.Namespace) -> None:
    """Run a configuration, or one member of an ensemble, and write its result and its picture."""
    load_blas_alone()
    from ..data import store
    from ..experiment import device as experiment

    settings = read(options.file, options.changes, options.seed)
    output = options.output or Path(options.file.stem + ".nc")
    if options.only is not None:
        settings, output = ensembles.only(options, settings)
    checkpoint = output.with_name(output.name + ".checkpoint")
    _check(options, output, checkpoint)
    _terminate_like_interrupt()
    verbose = options.verbose or options.only is not None
    try:
        with Reporter(lines=verbose, quiet=options.quiet) as progress:
            result = experiment.carry_out(
                settings,
                folder=options.file.parent,
                checkpoint=checkpoint,
                resume=options.resume,
                progress=progress,
                interval=options.checkpoint,
            )
    except KeyboardInterrupt as interrupt:
        hint = (
            f"; --resume goes on from {checkpoint}" if checkpoint.exists() else " before the first checkpoint"
        )
        raise type(interrupt)(f"interrupted{hint}") from None
    store.save(result, output, force=options.force)
    checkpoint.unlink(missing_ok=True)
    print(f"wrote {output}")
    _draw(result, options.plot)
    print(_caption(result))


def show(options: argparse.Namespace) -> None:
    """Describe and draw a result."""
    from ..data import store
    from ..reports.device import describe

    result = store.load(options.file)
    print(describe(result))
    print(_caption(result))
    _draw(result, options.plot)
    if options.movie is not None:
        from ..analysis.plots.film import Film

        print(f"wrote {Film(result).save(options.movie, force=options.force)}")


def again(options: argparse.Namespace) -> int:
    """Run a recorded device again and compare bit by bit."""
    from ..data import store
    from ..experiment import device as experiment

    recorded = store.load(options.file)
    with Reporter(lines=options.verbose, quiet=options.quiet) as progress:
        result = experiment.again(recorded, origin=str(options.file), progress=progress)
    difference = experiment.first_difference(recorded, result)
    if difference is None:
        print(f"equal: {options.file} is reproduced bit by bit")
        return 0
    software = provenance.read(recorded.attrs.get("provenance"))["software"]
    recorded_software = f"frenkel {software['version']}" + (
        f", commit {software['git'][:12]}" if software["git"] else ""
    )
    print(f"different: {difference} (first: {options.file}, made by {recorded_software}; second: run now)")
    return 1


def _check(options: argparse.Namespace, output: Path, checkpoint: Path) -> None:
    """Refuse files now rather than after the run."""
    from ..data import store

    store.writable(output, force=options.force)
    check_ending(output, ".nc")
    check_picture(options.plot, options.force)
    if options.resume and not checkpoint.exists():
        raise store.StoreError(f"there is no checkpoint {checkpoint} to resume from; run without --resume")
    if checkpoint.exists() and not options.resume and not options.force:
        raise store.StoreError(
            f"{checkpoint} is left from an interrupted run; --resume goes on from it, --force starts again"
        )


def _draw(result: "ResultTable", path: Path | None) -> None:
    if path is not None:
        from ..analysis.plots.device import overview

        draw(path, lambda: overview(result))


def _caption(result: "ResultTable") -> str:
    from ..analysis.plots import caption
    from ..analysis.results import filament

    return caption.caption(result, filament.shown_snapshots(result), width=110)


def _terminate_like_interrupt() -> None:
    """Let SIGTERM end a run as Ctrl-C does."""

    def stop(*_: Any) -> None:
        raise Terminated

    signal.signal(signal.SIGTERM, stop)

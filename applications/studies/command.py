"""The command ``frenkel study``: from a card to a table of what its physics does to a network."""

import argparse
from pathlib import Path
from typing import Any

from frenkel.cli import values
from frenkel.cli.common import FORCE, OUTPUT, QUIET, RESUME, SEED, Option, add

from . import NUMBERS, STUDIES, named


def add_commands(commands: Any) -> None:
    """Add "study" to the parser of commands."""
    listed = "\n".join(f"  {name:14} {number}  {STUDIES[name]}" for number, name in NUMBERS.items())
    add(
        commands,
        "study",
        _study,
        "run studies of device effects on networks",
        f"frenkel study timing -o report --reduced\n  frenkel study all -o report\n\nstudies:\n{listed}",
        Option(
            "name",
            nargs="+",
            type=_name,
            metavar="STUDY",
            complete=lambda: ["all", *STUDIES],
            help="a name or number, or all",
        ),
        OUTPUT.but(default=Path("report"), metavar="FOLDER", help="default: report"),
        Option(
            "--cell",
            default="hfo2",
            metavar="CELL",
            complete=values.cards,
            help="whose statistics the cells have: a card (a file, or a packaged one, hfo2 by default "
            "or mos2-au) or measured:NAME (foundry_b, cycles, or the path of a table of your own)",
        ),
        Option(
            "--data",
            default="digits",
            metavar="DATA",
            help="images to learn: digits (default), fashion (Debian's dataset-fashion-mnist), or a folder "
            "of IDX files",
        ),
        Option(
            "--network",
            default="perceptron",
            metavar="NETWORK",
            help="perceptron (default), or convolution: two of them and a linear layer",
        ),
        Option("--reduced", action="store_true", help="a quick look: few seeds, chips and steps"),
        Option("--seeds", type=int, metavar="N", help="networks"),
        Option("--chips", type=int, metavar="N", help="chips of each network"),
        Option("--steps", type=int, metavar="N", help="training steps"),
        SEED.but(default=1, help="of everything (default: 1)"),
        FORCE.but(help="replace existing datasets"),
        RESUME.but(help="keep datasets that are there, run the others"),
        QUIET.but(help="no progress"),
        about="Writes datasets, pictures and one page.",
    )


def _name(text: str) -> str:
    """Return a name of a study for the parser."""
    if text != "all":
        try:
            named(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _study(options: argparse.Namespace) -> None:
    # The networks are loaded where a study runs, not for --help.
    from frenkel.networks import images
    from frenkel.networks.device_statistics import statistics_of
    from frenkel.progress import Reporter

    from . import chosen as select
    from . import report as study_report
    from .common.settings import REDUCED, Settings
    from .runner import carry_out, file_of, read

    chosen = select(options.name)
    # What is bad should be reported before an hour of work.
    statistics_of(options.cell)
    images.pool(options.data)
    options_given = {name: getattr(options, name) for name in ("seeds", "chips", "steps")}
    changed = {name: value for name, value in options_given.items() if value is not None}
    folder = options.output
    folder.mkdir(parents=True, exist_ok=True)
    outcomes = []
    for place, name in enumerate(chosen):
        with Reporter(quiet=options.quiet, lines=False) as reporter:

            def progress(share: float, what: str, place: int = place, name: str = name) -> None:
                reporter((place + share) / len(chosen), f"{name} {what}")

            settings = Settings(
                data=options.data, network=options.network, seed=options.seed, cell=options.cell,
                progress=progress,
                **(REDUCED if options.reduced else {}) | changed,
            )  # fmt: skip
            has_results = options.resume and file_of(name, folder).is_file()
            outcome = (
                read(name, folder) if has_results else carry_out(name, settings, folder, force=options.force)
            )
        outcomes.append(outcome)
        if has_results:
            described = _settings(outcome.recorded["configuration"])
            print(f"{outcome.source.name} is kept as it was made: {described}")
        print(f"{outcome.heading}\n\n{outcome.table}\n")
        if outcome.missing:
            print(f"  not told by the cell, and left out: {', '.join(outcome.missing)}\n")
        for claim in outcome.claims:
            print(f"  {claim.verdict:11} {claim.id}: {claim.ours}")
        print()
    page = study_report.write(outcomes, folder / "report.html")
    print(f"wrote {page} and {', '.join(outcome.source.name for outcome in outcomes)}")


def _settings(made: dict[str, Any]) -> str:
    """Return what a dataset was made with; other options of a resumed run do not change it."""
    return ", ".join(
        f"{name} {made[name]}"
        for name in ("data", "task", "network", "seeds", "chips", "steps", "seed", "cell", "card")
        if name in made
    )

"""The command ``frenkel study``: from a card to a table of what its physics does to a network."""

import argparse
from pathlib import Path
from typing import Any

from ..studies import NUMBERS, STUDIES, named
from . import values
from .common import FORCE, OUTPUT, QUIET, SEED, Option, add


def add_commands(commands: Any) -> None:
    """Add "study" to the parser of commands."""
    listed = "\n".join(f"  {name:14} {number}  {STUDIES[name]}" for number, name in NUMBERS.items())
    add(
        commands,
        "study",
        _study,
        "run studies of what a device does to a network; write datasets, pictures and one page",
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
            "--card",
            default="hfo2",
            metavar="CARD",
            complete=values.cards,
            help="card of the device: a file, hfo2 (default: the packaged one), or none for placeholders",
        ),
        Option("--task", default="digits", help="data set (default: digits)"),
        Option("--reduced", action="store_true", help="a quick look: few seeds, chips and steps"),
        Option("--seeds", type=int, metavar="N", help="networks"),
        Option("--chips", type=int, metavar="N", help="chips of each network"),
        Option("--steps", type=int, metavar="N", help="training steps"),
        SEED.but(default=1, help="of everything (default: 1)"),
        FORCE.but(help="replace existing datasets"),
        Option("--resume", action="store_true", help="keep datasets that are there, run the others"),
        QUIET.but(help="no progress"),
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
    from ..cards.card import Card
    from ..cards.files import PACKAGED
    from ..progress import Reporter
    from ..reports import studies as study_report
    from ..studies import chosen as select
    from ..studies.common.settings import REDUCED, Settings
    from ..studies.runner import carry_out, file_of, read

    chosen = select(options.name)
    card = {"hfo2": PACKAGED, "none": None}.get(options.card, Path(options.card))
    if card is not None:
        Card.load(card)  # a bad one should be reported before an hour of work
    given = {name: getattr(options, name) for name in ("seeds", "chips", "steps")}
    changed = {name: value for name, value in given.items() if value is not None}
    folder = options.output
    folder.mkdir(parents=True, exist_ok=True)
    outcomes = []
    for place, name in enumerate(chosen):
        with Reporter(quiet=options.quiet, lines=False) as shown:

            def progress(share: float, what: str, place: int = place, name: str = name) -> None:
                shown((place + share) / len(chosen), f"{name} {what}")

            settings = Settings(
                task=options.task, seed=options.seed, card=card, progress=progress,
                **(REDUCED if options.reduced else {}) | changed,
            )  # fmt: skip
            there = options.resume and file_of(name, folder).is_file()
            outcome = read(name, folder) if there else carry_out(name, settings, folder, force=options.force)
        outcomes.append(outcome)
        if there:
            made = _settings(outcome.recorded["configuration"])
            print(f"{outcome.source.name} is kept as it was made: {made}")
        print(f"{outcome.heading}\n\n{outcome.table}\n")
        if outcome.placeholders:
            print(f"  placeholders, not of the card: {', '.join(outcome.placeholders)}\n")
        for claim in outcome.claims:
            band = {True: "", False: " (outside the band asked beforehand)", None: ""}[claim.accepted]
            print(f"  {claim.verdict:11} {claim.id}: {claim.ours}{band}")
        print()
    page = study_report.write(outcomes, folder / "report.html")
    print(f"wrote {page} and {', '.join(outcome.source.name for outcome in outcomes)}")


def _settings(made: dict[str, Any]) -> str:
    """Return what a dataset was made with; other options of a resumed run do not change it."""
    return ", ".join(
        f"{name} {made.get(name)}" for name in ("task", "seeds", "chips", "steps", "seed", "card")
    )

"""Values of options: read from text, an unfit one refused with what is allowed; and what a shell offers."""

# Imports inside functions keep numpy, pydantic and argcomplete from loading where no value needs them.

import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..provenance import MOST_MEMBERS
from ..validation import keys, sections, shown


def seconds(text: str) -> float:
    """Read a time: "23:50:00", "1-12:00:00" (days first), "90 min", "30 s"; a bare number is seconds."""
    from ..quantity import to_si

    text = text.strip()
    if clock := re.fullmatch(r"(?:([0-9]{1,9})-)?([0-9]{1,9}):([0-9]{2})(?::([0-9]{2}))?", text):
        days, hours, minutes, seconds_left = (int(part or 0) for part in clock.groups())
        text = f"{((days * 24 + hours) * 60 + minutes) * 60 + seconds_left} s"
    elif re.fullmatch(r"[0-9.]+", text):
        text += " s"
    try:
        return to_si(text, "s", 0.0, 1e9)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def positive(text: str) -> int:
    """Read a whole number from 1."""
    return _whole(text, 1)


def natural(text: str) -> int:
    """Read a whole number from 0."""
    return _whole(text, 0)


def members(text: str) -> int:
    """Read how many members there are."""
    return _whole(text, 1, MOST_MEMBERS)


def member(text: str) -> int:
    """Read the number of one member, from 0."""
    return _whole(text, 0, MOST_MEMBERS - 1)


def _whole(text: str, low: int, high: int | None = None) -> int:
    allowed = f"at least {low}" if high is None else f"between {low} and {high}"
    if not re.fullmatch(r"[-+]?[0-9]{1,1000}", text.strip()):
        raise ArgumentTypeError(f"must be a whole number, {allowed}, got {shown(text)}")
    number = int(text)
    if number < low or (high is not None and number > high):
        raise ArgumentTypeError(f"must be {allowed}, got {shown(number)}")
    return number


def quantile(text: str) -> tuple[str, float, float]:
    """Read a variable, the fraction of a quantile and its relative width: "forming_voltage 1% 5%"."""
    parts = text.split()
    try:
        share, width = (float(part.removesuffix("%")) / 100 for part in parts[1:])
        if len(parts) == 3 and 0 < share < 1 and width > 0:
            return parts[0], share, width
    except ValueError:
        pass
    raise ArgumentTypeError(f"must be like 'forming_voltage 1% 5%', got {text!r}")


def fraction(text: str) -> tuple[float, float]:
    """Read a variance fraction and the width of its interval: "0.5 0.2"."""
    try:
        share, width = map(float, text.split())
        if 0 < share < 1 and 0 < width < 1:
            return share, width
    except ValueError:
        pass
    raise ArgumentTypeError(f"must be like '0.5 0.2', both above 0 and below 1, got {text!r}")


def shard(text: str) -> tuple[int, int]:
    """Read a part of a whole, "3/8"; "auto/8" is that of this element of a job array.

    "auto" alone is the part of this process among those of a launcher, or of an array whose size is known.
    """
    from ..mpi_runs import farm, jobs

    first, _, second = text.partition("/")
    if first == "auto":
        element = jobs.element()
        if not second and (farm.launched() > 1 or element is None):
            return farm.rank() + 1, farm.launched()
        if element is None:
            raise ArgumentTypeError(f"{text!r} needs a job array: none of {', '.join(jobs.ELEMENTS)} is set")
        first, second = str(element), second or str(jobs.elements() or "")
        if not second:
            raise ArgumentTypeError(
                "auto must be auto/N here: how many elements the job array has is not known"
            )
    if not (first.isdigit() and second.isdigit()) or not 1 <= int(first) <= int(second):
        raise ArgumentTypeError(f"must be I/N with I from 1 to N, got {text!r}")
    return int(first), int(second)


def word(text: str) -> str:
    """Read a name as schedulers take it: without blanks, quotes and what else means something to a shell."""
    if not re.fullmatch(r"[\w@.,:=+*/&|()\[\]<>!-]{1,200}", text, re.ASCII):
        raise ArgumentTypeError(f"must be one word of letters, digits and signs, got {text!r}")
    return text


def memory(text: str) -> str:
    """Read an amount of memory: "800M", "16G"."""
    if not re.fullmatch(r"[1-9]\d{0,6}[KMGT]", text, re.ASCII):
        raise ArgumentTypeError(f"must be a number and K, M, G or T, such as 16G, got {text!r}")
    return text


def folder_text(text: str) -> str:
    """Read the name of a folder in which a shell puts in variables, and does nothing else."""
    if not re.fullmatch(r"([\w/.-]|\$\w+|\$\{\w+\}){1,200}", text, re.ASCII):
        raise ArgumentTypeError(
            f"must be a folder of plain letters and variables, such as $TMPDIR, got {text!r}"
        )
    return text


def completer(named: Callable[[], list[str]] | None, metavar: object) -> Callable[..., Any] | None:
    """Return what completes a value: names, or folders, or files with the ending in OUT.nc.

    None where it is any file, or what argparse knows itself. Called by a shell alone, see ``frenkel
    completion``.
    """
    if named is not None:
        return lambda **_: named()
    if metavar in ("DIR", "FOLDER"):
        return lambda **asked: _completers().DirectoriesCompleter()(**asked)
    ending = re.search(r"\.(\w+)$", metavar) if isinstance(metavar, str) else None
    return None if ending is None else lambda **asked: _completers().FilesCompleter([ending[1]])(**asked)


def _completers() -> Any:
    from argcomplete import completers

    return completers


def materials() -> list[str]:
    """Return what a material can be called: packaged ones, and files that may be one."""
    from ..kinetic.materials.material import Material

    return [*Material.names(), *_files(".toml")]


def cards() -> list[str]:
    """Return what a card can be called."""
    from ..cells.files import packaged

    return [*packaged(), *_files(".json")]


def results_and_cards() -> list[str]:
    """Return what can be exported."""
    return [*cards(), *_files(".nc")]


def examples() -> dict[str, Path]:
    """Return the files of the examples that come along, by their names."""
    folder = Path(__file__).resolve().parents[1] / "examples"
    found = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix in (".toml", ".py", ".csv")}
    tables = sorted((folder / "measured").glob("*.csv.gz"))
    return found | {f"measured/{path.name.removesuffix('.csv.gz')}": path for path in tables}


def numbers() -> list[str]:
    """Return the keys that take another value: of a configuration, and numbers of materials."""
    from dataclasses import fields

    from ..configuration.device import Configuration
    from ..kinetic.materials.sections import SECTIONS

    endings = [f"{section}.{field.name}=" for section, kind in SECTIONS.items() for field in fields(kind)]
    for name in keys(Configuration):
        below = sections(Configuration.model_fields[name].annotation)
        endings += [f"{name}.{key}=" for key in keys(below[0])] if len(below) == 1 else [f"{name}="]
    return endings


def _files(ending: str) -> list[str]:
    return sorted(str(path) for path in Path().glob(f"*{ending}"))

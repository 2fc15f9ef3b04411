"""Reads printed tables and numbers with their units back, in SI."""

import math
import re
from dataclasses import dataclass

PREFIXES = {"G": 1e9, "M": 1e6, "k": 1e3, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}
UNITS = {"V", "A", "s", "S", "ohm", "J", "Hz", "K", "eV", "%", "1/V", "1/s"}
NUMBER = r"[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|inf|nan)"


@dataclass(frozen=True)
class Printed:
    """A number as printed, in SI."""

    value: float
    unit: str
    half: float
    """Half of its last digit."""


def numbers(text: str) -> list[Printed]:
    """Return all numbers of a text."""
    found = []
    for match in re.finditer(rf"(?<![\w.])({NUMBER})(?: ?(%)| (1/[A-Za-z]+|[^\W\d]+))?", text):
        digits, share, word = match.groups()
        scale, unit = _unit(share or word or "")
        mantissa, _, power = digits.partition("e")
        places = len(mantissa.partition(".")[2])
        half = 0.5 * 10.0 ** (int(power or 0) - places) * scale if digits[-1].isdigit() else 0.0
        if not places and not power and len(mantissa.strip("+-")) >= 3:
            half = max(half, 0.5 * scale)
        found.append(Printed(float(digits) * scale, unit, half))
    return found


def _unit(word: str) -> tuple[float, str]:
    """Return the factor to SI and the unit of a word, which may be none."""
    if word in UNITS:
        return 1.0, word
    if word[1:] in UNITS and word[:1] in PREFIXES and word[1:] not in ("%", "K", "eV"):
        return PREFIXES[word[0]], word[1:]
    return {"nm": (1e-9, "m"), "MB": (1e6, "B"), "GB": (1e9, "B"), "meV": (1e-3, "eV")}.get(word, (1.0, ""))


def close(text: str, *values: float | tuple[float, str]) -> bool:
    """Whether the numbers of a text are these, in order; a pair is a value (SI) with its unit."""
    found = numbers(text)
    pairs = [value if isinstance(value, tuple) else (value, "") for value in values]
    wrong = [
        (shown, pair)
        for shown, pair in zip(found, pairs, strict=False)
        if not (math.isnan(pair[0]) and math.isnan(shown.value)) and not _same(shown, *pair)
    ]
    assert len(found) == len(pairs) and not wrong, f"{text!r}: {wrong or [len(found), len(pairs)]}"
    return True


def _same(shown: Printed, value: float, unit: str) -> bool:
    digits = abs(value) * 1e-12  # of what rounding in binary leaves
    return shown.unit == unit and (value == shown.value or abs(value - shown.value) <= shown.half + digits)


def _cells(row: str, spans: list[tuple[int, int]]) -> list[str]:
    return [row[start:end].strip() for start, end in spans]


def rows(text: str, head: str = "") -> list[dict[str, str]]:
    """Return the rows of the table in a text whose line of heads holds ``head``, by their heads."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if number and re.fullmatch(r"-+(  -+)*", line) and head in lines[number - 1]:
            spans = [match.span() for match in re.finditer("-+", line)]
            heads, body = _cells(lines[number - 1], spans), []
            for row in lines[number + 1 :]:
                if not row.strip() or any(row[end : end + 2].strip() for _, end in spans[:-1]):
                    break
                body.append(dict(zip(heads, _cells(row, spans), strict=True)))
            return body
    raise AssertionError(f"no table with {head!r} in\n{text}")


def line(text: str, part: str) -> str:
    """Return the one line of a text that holds a part."""
    (found,) = [one for one in text.split("\n") if part in one]
    return found

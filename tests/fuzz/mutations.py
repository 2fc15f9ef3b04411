"""Hostile values, and how documents, texts and bytes are spoiled, as strategies of hypothesis."""

import copy
import datetime
import json
import re
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

Document = dict[str, Any]

_LONG = ["9" * 400, "0." + "0" * 300 + "1"]
NUMBERS = ["", " ", *_LONG, *"""
    0 -0 1 -1 5 0.1 1e-9 1e9 1e308 1e400 -1e400 1e-400 nan -nan inf -inf 1_000 ٣ ½ ² ∞ 1e e5 1e+ 1E5 --1 +-1 .
    1.2.3 1,5 0x10 0b1 1j True None
""".split()]  # fmt: skip
UNITS = ["", "nm nm", "nm " * 40, "m" * 400, "lambda: 0", "nm\n", "nm\x00", "( ( nm ) )", *"""
    nm m V mV uA A µA μA kohm ohm Ω K degC °C MV/s V/s s us day hour 1 eV Hz THz 1/s S nm**2
    nm**9**9**9 nm^9^9^9 nm**-1 nm*nm nm/nm 1/nm nm**1e9 nm**(9**9) ((((nm)))) nm** *nm / ** % dB dBm
    delta_degC [length] dimensionless π V/V*s/s*nm furlong yottameter nanonanometer exec('1')
    __import__('os') nm;nm NM Nm kg*m**2/s**3/A 9**9**9
""".split()]  # fmt: skip
TEXTS = ["", " ", "\x00", "\n", "a" * 5000, '""\"', *"""
    HfO2 TaOx HfO3 ../HfO2 /dev/null /etc/passwd x.toml é \u202e 😀 nan none true [] {} %s%n ${x} `id` ''' '
    \\ form cycle card live
""".split()]  # fmt: skip
WHOLE = [0, 1, -1, 2, 7, 255, 2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**63, 2**64, 10**12, 10**400, -(2**63)]
FLOATS = [0.0, -0.0, 0.5, 1.0, -1.0, 1e-308, 1e308, float("inf"), float("-inf"), float("nan"), 5e-324, 1e16]
DATES = [datetime.date(1, 1, 1), datetime.time(23, 59), datetime.datetime(9999, 12, 31, 23, 59, 59)]
LINES = [
    *["x = 1", "[x]", "[[phase]]", "[device]", "[array]", "[ensemble]", "= 1", "x", "'''", "#", "\x00"],
    *["seed = 1", "seed = 0x7fffffffffffffff", "x = 2026-13-45", "material = '''HfO2-fast'''"],
    *[
        "seed = " + "9" * 5_000,
        "seed = 0x" + "f" * 5_000,
        "x = 1e" + "9" * 5_000,
        "x = '" + "x" * 200_000 + "'",
    ],
    *["x = " + "[" * depth + "]" * depth for depth in (500, 100_000)],
    *["x" + ".x" * depth + " = 1" for depth in (900, 20_000)],
    *["[" + "x." * 5_000 + "x]", "x = " + "{a = " * 300 + "1" + "}" * 300, "x = [" + "1," * 100_000 + "]"],
    "\n".join(f"[x{number}]" for number in range(20_000)),
]
"""Lines for a TOML file, some of absurd size or depth."""


def quantities() -> st.SearchStrategy[str]:
    """Return texts that look like a number and a unit, more or less."""
    number = st.sampled_from(NUMBERS) | st.floats().map(repr) | st.integers().map(str)
    soup = st.text("nmVAKskMGuµΩ°/*^()-0123456789 .eE", max_size=30)
    unit = st.sampled_from(UNITS) | soup
    return st.builds("{}{}{}".format, number, st.sampled_from([" ", "", "  ", "\t"]), unit)


def values() -> st.SearchStrategy[Any]:
    """Return what may stand where a file holds a value, of any type that TOML knows."""
    scalars = (
        quantities()
        | st.sampled_from(TEXTS)
        | st.text(max_size=40)
        | st.sampled_from(WHOLE)
        | st.integers()
        | st.sampled_from(FLOATS)
        | st.floats()
        | st.booleans()
        | st.sampled_from(DATES)
    )
    several = st.lists(scalars, max_size=4) | st.dictionaries(st.text(max_size=8), scalars, max_size=3)
    return scalars | several | st.just([]) | st.just({})


def _near(value: Any) -> st.SearchStrategy[Any]:
    """Return values of the same kind, many of which are allowed."""
    factor = st.sampled_from([-1.0, 0.0, 0.1, 0.5, 0.99, 1.01, 2.0, 10.0, 1e3])
    found = re.fullmatch(r"([-+]?\d+\.?\d*(?:e[-+]?\d+)?)( \S+)", value) if isinstance(value, str) else None
    if found:
        return factor.map(lambda one: f"{float(found[1]) * one:g}{found[2]}")
    if isinstance(value, bool):
        return st.just(not value)
    # An integer of hundreds of digits is no number to multiply.
    if isinstance(value, int | float) and abs(value) < 1e300:
        return factor.map(lambda one: type(value)(value * one))
    return st.sampled_from(TEXTS) if isinstance(value, str) else st.just(value)


def places(document: Any) -> list[tuple[Any, Any]]:
    """Return container and key of everything inside a document."""
    inside = document.items() if isinstance(document, dict) else enumerate(document)
    found = []
    for key, value in inside:
        found.append((document, key))
        if isinstance(value, dict | list):
            found += places(value)
    return found


@st.composite
def documents(draw: st.DrawFn, bases: Sequence[Document], most: int = 3) -> Document:
    """Return one of some documents with one to ``most`` faults."""
    document = copy.deepcopy(draw(st.sampled_from(bases)))
    for _ in range(draw(st.sampled_from([1, 1, 1, *range(2, most + 1)]))):
        there = places(document)
        if there:
            _spoil(draw, document, there)
    return document


def _spoil(draw: st.DrawFn, document: Document, there: list[tuple[Any, Any]]) -> None:
    container, key = draw(st.sampled_from(there))
    rare = ["drop", "rename", "add", "swap", "type", "copy", "wrap"]
    what = draw(st.sampled_from(["near"] * 4 + ["value"] * 4 + rare))
    value = container[key]
    if what == "near":
        container[key] = draw(_near(value))
    elif what == "value":
        container[key] = draw(values())
    elif what == "drop":
        del container[key]
    elif what == "type":
        container[key] = draw(st.sampled_from([str(value), [value], {"kind": value}, True, 1, 1.5, ""]))
    elif what == "wrap":
        for _ in range(draw(st.integers(1, 30))):
            value = [value]
        container[key] = value
    elif what == "copy":  # the whole below itself, or one part in the place of another
        other, name = draw(st.sampled_from(there))
        other[name] = copy.deepcopy(document if draw(st.booleans()) else value)
    elif what == "swap":
        other, name = draw(st.sampled_from(there))
        container[key], other[name] = copy.deepcopy(other[name]), copy.deepcopy(value)
    elif isinstance(container, list):
        container.insert(0, draw(values()))
    elif what == "rename":
        names = [str(name) for _, name in there]
        near = [key + " ", key.upper(), key[:-1]]
        new = draw(st.sampled_from(names) | st.sampled_from(near) | st.text(max_size=9))
        container[new] = container.pop(key)
    else:
        container[draw(st.sampled_from(["kind", "x", ""]) | st.text(max_size=9))] = draw(values())


def toml(document: Document) -> bytes:
    """Return a document as TOML, with inline tables below the first level."""
    lines = [f"{_quoted(str(key))} = {_toml(value)}" for key, value in document.items()]
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass")


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(str(key))} = {_toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value) if isinstance(value, int) else repr(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


@st.composite
def texts(draw: st.DrawFn, bases: Sequence[bytes]) -> bytes:
    """Return one of some texts with lines dropped, doubled, exchanged and put in, and bytes flipped."""
    lines = draw(st.sampled_from(bases)).split(b"\n")
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        what = draw(st.sampled_from(["drop", "double", "swap", "put", "value", "bytes"]))
        if what == "drop" and len(lines) > 1:
            del lines[at]
        elif what == "double":
            lines.insert(at, lines[at])
        elif what == "swap":
            other = draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
        elif what == "put":
            lines.insert(at, draw(st.sampled_from(LINES)).encode())
        elif what == "value" and b"=" in lines[at]:
            new = draw(st.sampled_from(NUMBERS) | st.text(max_size=12) | quantities().map(_quoted))
            lines[at] = lines[at].partition(b"=")[0] + b"= " + new.encode("utf-8", "surrogatepass")
        else:
            lines[at] = draw(damaged(lines[at]))
    return b"\n".join(lines)


@st.composite
def damaged(draw: st.DrawFn, content: bytes, marks: Sequence[int] = ()) -> bytes:
    """Return bytes with bits flipped, pieces zeroed, cut out, doubled or put in.

    ``marks`` are places near which damage is likelier to be read, such as the heads of records.
    """
    data = bytearray(content)
    anywhere = st.integers(0, max(len(content) - 1, 0))
    if marks:
        anywhere |= st.builds(int.__add__, st.sampled_from(marks), st.integers(0, 200))
    # Mostly one bit, which is what disks and networks lose; the rest moves all that follows.
    kinds = draw(st.sampled_from([["bit"], ["bit", "byte", "zero"], ["bit", "cut", "put", "double", "end"]]))
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 4]))):
        if not data:
            break
        at = draw(anywhere) % len(data)
        what = draw(st.sampled_from(kinds))
        size = draw(st.integers(1, 300))
        if what == "bit":
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif what == "byte":
            data[at] = draw(st.sampled_from([0, 1, 127, 128, 255]) | st.integers(0, 255))
        elif what == "zero":
            data[at : at + size] = bytes(len(data[at : at + size]))
        elif what == "cut":
            del data[at : at + size]
        elif what == "put":
            data[at:at] = draw(st.binary(min_size=1, max_size=40))
        elif what == "double":
            data[at:at] = data[at : at + size]
        else:
            del data[at:]
    return bytes(data)

"""What pydantic finds wrong with a file, as one sentence; who calls has imported pydantic, which is slow."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

    Model = type[BaseModel]

LONGEST = 200
"""Characters of a value in a sentence."""


def suggest(name: str, known: Iterable[str]) -> str:
    """Return the end of an error about an unknown name: the nearest one, and all there are."""
    import difflib  # where something is wrong, and nowhere else

    known = list(known)
    lower_case = {name.lower(): name for name in reversed(known)}
    matches = difflib.get_close_matches(name.lower(), lower_case, n=1)
    hint = f" (did you mean {lower_case[matches[0]]!r}?)" if matches else ""
    return f"{hint}; there are: {', '.join(known)}"


def sentence(error: ValidationError, model: Model) -> str:
    """Put the first fault that pydantic found in a model into one sentence."""
    # A union reports its other branches too; the deepest place is the one the user meant.
    fault = max(
        error.errors(include_url=False), key=lambda one: (one["type"] == "value_error", len(one["loc"]))
    )
    place, section, kinds = follow(model, fault["loc"])
    where, kind, value = written(place), fault["type"], fault.get("input")
    if kind == "extra_forbidden":
        name = str(place[-1])[:LONGEST]
        if homes_of_name := homes(model, name):
            return f"unknown key {where}: {name} is a key {' and '.join(homes_of_name)}"
        return f"unknown key {where}{suggest(name, keys(section))}"
    if kind == "missing":
        return f"{where} is missing"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        given = value.get("kind") if isinstance(value, Mapping) else None
        complaint = "is missing" if given is None else f"must not be {shown(given)}"
        return f"{where}.kind {complaint}; there are: {', '.join(kinds)}"
    if kind in ("model_type", "model_attributes_type"):
        allowed = ["kind", "..."] if kinds else keys(section)
        return f"{where} must be a section with keys of its own ({', '.join(allowed)}), got {shown(value)}"
    message = fault["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if kind == "value_error" and not where:
        return message
    if kind == "value_error":
        return f"{where} {message}" if message.startswith(("must", "needs")) else f"{where}: {message}"
    if message.startswith("input should"):
        return f"{where} must{message.removeprefix('input should')}, got {shown(value)}"
    return f"{where}: {message}, got {shown(value)}"


def follow(model: Model, parts: Sequence[int | str]) -> tuple[list[int | str], Model, dict[str, Model]]:
    """Follow pydantic's way to a fault through a model.

    Returns
    -------
    place : list
        The keys of the file and places in lists on the way: without the kinds and types that pydantic names
        where it had a choice.
    section : type
        The innermost section on the way.
    kinds : dict
        The sections that the last key may hold, by their kind, where there are several.
    """
    place: list[int | str] = []
    kinds: dict[str, Model] = {}
    for part in parts:
        if part in kinds:
            model, kinds = kinds[str(part)], {}
        elif isinstance(part, int) or not part.startswith(("float", "function")):
            place.append(part)
            if part in model.model_fields:
                models = sections(model.model_fields[str(part)].annotation)
                kinds = {kind: section for section in models for kind in _kinds(section)}
                model = models[0] if models and not kinds else model
    return place, model, kinds


def sections(annotation: Any) -> list[Model]:
    """Return the models in an annotation."""
    if hasattr(annotation, "model_fields"):
        return [annotation]
    return [model for part in typing.get_args(annotation) for model in sections(part)]


def keys(model: Model) -> list[str]:
    """Return the keys of a section that people write; what is filled in for them has no ``repr``."""
    return [name for name, field in model.model_fields.items() if field.repr]


def homes(model: Model, name: str) -> list[str]:
    """Return where in a model, or in the sections that stand in it, a key has its place: "of [device]"."""
    locations = ["at the top"] if name in keys(model) else []
    for key, field in model.model_fields.items():
        if any(name in keys(section) for section in sections(field.annotation)):
            locations.append(f"of [{key}]")
    return locations


def written(place: Sequence[int | str]) -> str:
    """Write a place as in a TOML file, those in lists counted from 1: "phase 2.rate"."""
    text = ""
    for part in place:
        key = str(part)[:LONGEST]
        text += f" {part + 1}" if isinstance(part, int) else (f".{key}" if text else key)
    return text


def shown(value: Any) -> str:
    """Return a value as an error shows it: its ``repr``, or the beginning of a long one."""
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:100]}... ({len(text)} characters)"


def _kinds(model: Model) -> tuple[str, ...]:
    field = model.model_fields.get("kind")
    return () if field is None else typing.get_args(field.annotation)

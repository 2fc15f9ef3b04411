"""Write options.md, keys.md, formats.md, frenkel.schema.json: every command, option, key and variable.

    python docs/reference.py

From the parsers of the command line, the models of configurations and the layout of results, so that each is
on the site.
"""

import argparse
import json
import re
import tomllib
import typing
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from frenkel.cells import files as card_files
from frenkel.cli import main as cli
from frenkel.configuration.array import ArrayConfiguration
from frenkel.configuration.device import Configuration
from frenkel.configuration.quantity import AllBounds, Allowed
from frenkel.data import store
from frenkel.data.kinds import Mark
from frenkel.data.schema import LAYOUT, SCHEMA_VERSION
from frenkel.kinetic.materials.sections import SECTIONS
from frenkel.validation import keys, sections

DOCS = Path(__file__).resolve().parent
DOCUMENTS = {"devices and ensembles": Configuration, "arrays": ArrayConfiguration}


def row(*cells: object) -> str:
    """Return a row of a table; what stands in its cells is text."""
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def parsers(parser: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield a command and what it divides into."""
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, below in action.choices.items():
                yield from parsers(below, f"{name} {word}")


def options(parser: argparse.ArgumentParser, about: str) -> list[str]:
    """Return the table of the options and arguments of a command."""
    lines = [row("option", "meaning"), "|---|---|", row("", about)]
    for action in parser._actions:
        if action.help == argparse.SUPPRESS or isinstance(
            action, (argparse._HelpAction, argparse._SubParsersAction)
        ):
            continue
        value = "" if action.nargs == 0 else str(action.metavar or "/".join(map(str, action.choices or ())))
        value = value or ("" if action.nargs == 0 else action.dest.upper())
        names = ", ".join(f"`{flag}`" for flag in action.option_strings)
        lines.append(row(f"{names} {value}".strip(), (action.help or "").replace("%%", "%")))
    return lines


def commands() -> str:
    """Return the page of commands."""
    top = cli.parser()
    choices = next(a.choices for a in top._actions if isinstance(a, argparse._SubParsersAction))
    text = [
        "# Every command and option",
        "",
        "Made by `docs/reference.py`; `frenkel COMMAND --help` prints the same.",
        "",
    ]
    for group, names in cli.GROUPS.items():
        text += [f"## {group[:1].upper()}{group[1:]}", ""]
        for command in names:
            for name, parser in parsers(choices[command], f"frenkel {command}"):
                about = " ".join((parser.description or "").partition("\n\n")[0].split())
                text += [
                    f"### {name}",
                    "",
                    "```",
                    parser.format_usage().strip(),
                    "```",
                    "",
                    *options(parser, about),
                    "",
                ]
    return "\n".join(text)


def bounds(annotation: Any, metadata: Any = ()) -> Allowed | None:
    """Return the unit and limits of a quantity in an annotation."""
    for one in metadata:
        if isinstance(getattr(one, "func", None), Allowed):
            return one.func
    if hasattr(annotation, "__metadata__"):
        return bounds(typing.get_args(annotation)[0], annotation.__metadata__)
    return next((found for part in typing.get_args(annotation) if (found := bounds(part))), None)


def allowed(field: Any) -> str:
    """Return what a key takes."""
    if found := bounds(field.annotation, field.metadata):
        many = "texts" if isinstance(found, AllBounds) else "text"
        return f"{many}, {found.low:g} to {found.high:g} {found.unit}"
    if below := sections(field.annotation):
        return ", ".join(
            f"[{one.__name__.removesuffix('Section')}](#{one.__name__.removesuffix('Section').lower()})"
            for one in below
        )
    return kind_of(field.annotation)


def kind_of(kind: Any) -> str:
    """Return the name of a type that is neither a quantity nor a section."""
    parts = [part for part in typing.get_args(kind) if part is not type(None)]
    if hasattr(kind, "__metadata__") or (len(parts) == 1 and type(None) in typing.get_args(kind)):
        return kind_of(parts[0])
    if typing.get_origin(kind) is typing.Literal:
        return ", ".join(map(repr, typing.get_args(kind)))
    name = re.sub(r"typing\.|<class '|'>|Annotated\[(\w+)[^]]*\]", r"\1", str(kind))
    return {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}.get(
        name, name.split("[")[0].split(",")[0]
    )


def default(field: Any) -> str:
    """Return the default of a key as a file has it."""
    value, found = field.default, bounds(field.annotation, field.metadata)
    if field.is_required():
        return "must be given"
    if value is None or value is PydanticUndefined or hasattr(type(value), "model_fields"):
        return ""
    if found and isinstance(value, tuple):
        return f"{', '.join(f'{one:g}' for one in value)} {found.unit}" if value else ""
    if found:
        return f"{value:g} {found.unit}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def models(model: Any, known: dict[str, Any]) -> None:
    """Collect a model and those below it, by their names."""
    if model.__name__ not in known:
        known[model.__name__] = model
        for key in keys(model):
            for below in sections(model.model_fields[key].annotation):
                models(below, known)


def toml() -> str:
    """Return the page of keys."""
    text = ["# Every key of a TOML file", "", "From `docs/reference.py`. Editors check by",
            "[frenkel.schema.json](frenkel.schema.json).", ""]  # fmt: skip
    known: dict[str, Any] = {}
    for title, document in DOCUMENTS.items():
        own: dict[str, Any] = {}
        models(document, own)
        for name, model in own.items():
            if name in known:
                continue
            known[name] = model
            heading = f"File of {title}" if model is document else name.removesuffix("Section")
            text += [f"## {heading}", "", row("key", "value", "default"), "|---|---|---|"]
            text += [
                row(f"`{key}`", allowed(model.model_fields[key]), default(model.model_fields[key]))
                for key in keys(model)
            ]
            text.append("")
    text += ["## Numbers of a material", "", row("key", "unit", "range", "meaning"), "|---|---|---|---|"]
    for section, kind in SECTIONS.items():
        for one in fields(kind):
            meta = one.metadata
            limits = f"{meta['low']:g} to {meta['high']:g}" if "low" in meta else ""
            given = "" if one.default is MISSING else f" (default {one.default})"
            meaning = f"{meta.get('meaning', '')}{given}"
            text.append(row(f"`{section}.{one.name}`", meta.get("unit", ""), limits, meaning))
    return "\n".join([*text, ""])


def schema() -> str:
    """Return the JSON schema of both kinds of files; quantities are text with a unit."""
    whole: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "anyOf": [],
        "$defs": {},
    }
    for document in DOCUMENTS.values():
        made = document.model_json_schema()
        known: dict[str, Any] = {}
        models(document, known)
        definitions = made.pop("$defs") | {document.__name__: made}
        for name, entry in definitions.items():
            for key in list(entry.get("properties", {})):
                field = known[name].model_fields.get(key) if name in known else None
                if field is not None and (found := bounds(field.annotation, field.metadata)):
                    entry["properties"][key] = {
                        "type": ["string", "array"] if isinstance(found, AllBounds) else "string",
                        "description": f"{found.low:g} to {found.high:g} {found.unit}",
                    }  # fmt: skip
        made["properties"] = {key: made["properties"][key] for key in keys(document)}
        if document is Configuration:
            # The temperature of the device may be thermal.ambient; a material is named, or a table of
            # numbers that differ from those of a named one.
            definitions["ThermalSection"]["properties"]["ambient"] = {"type": "string"}
            made["properties"]["material"] = {"type": ["string", "object"]}
        whole["$defs"] |= definitions
        whole["anyOf"].append({"$ref": f"#/$defs/{document.__name__}"})
    return json.dumps(whole, indent=1, sort_keys=True) + "\n"


def formats() -> str:
    """Return the page of file formats, with the variables of the result of a device."""
    known = tomllib.loads((DOCS / "formats.toml").read_text(encoding="utf-8"))
    versions = {"card": card_files.SCHEMA_VERSION, "folder": store.CHECKPOINT_VERSION}
    text = ["# File formats", "", known["about"], "", row(*known["files"]), "|---|---|---|"]
    for kind in typing.get_args(Mark):
        text.append(row(f"`frenkel_kind = {kind}`", known["results"][kind], SCHEMA_VERSION))
    for name, about in known["others"].items():
        text.append(row(name, about, versions.get(re.split(r"\W", name)[0], "")))
    text += ["", known["part"], "", row(*known["variables"]), "|---|---|---|---|"]
    for name, one in LAYOUT.variables.items():
        meaning = f"{one.long_name}; {one.comment}" if one.comment else one.long_name
        text.append(row(f"`{name}`", ", ".join(one.dims), one.units, meaning))
    return "\n".join([*text, ""])


PAGES = {"options.md": commands, "keys.md": toml, "formats.md": formats, "frenkel.schema.json": schema}

if __name__ == "__main__":
    for name, make in PAGES.items():
        (DOCS / name).write_text(make(), encoding="utf-8")

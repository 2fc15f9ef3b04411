"""The reference of commands, options and TOML keys is made by docs/reference.py, and complete."""

import argparse
import importlib.util
import json
import tomllib
from pathlib import Path

import pytest

from frenkel.cli import main as cli

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
spec = importlib.util.spec_from_file_location("reference", DOCS / "reference.py")
reference = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reference)


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_page_is_what_the_script_writes(name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    made = reference.PAGES[name]()
    assert (DOCS / name).read_text(encoding="utf-8") == made, "python docs/reference.py writes it"


def test_every_option_of_every_command_is_on_its_page():
    text = (DOCS / "options.md").read_text(encoding="utf-8")
    number = 0
    for command, module in cli.COMMANDS.items():
        part = text.partition(f"### frenkel {command}\n")[2].partition("\n## ")[0]
        assert part, (command, module)
        top = cli.parser(command)
        choices = next(a.choices for a in top._actions if isinstance(a, argparse._SubParsersAction))
        for action in choices[command]._actions:
            for flag in action.option_strings:
                if action.help != argparse.SUPPRESS and flag not in ("-h", "--help"):
                    assert f"`{flag}`" in part, (command, flag)
                    number += 1
    assert number > 150


EXAMPLES = [path for path in sorted((ROOT / "examples").glob("*.toml")) if "phase" in path.read_text("utf-8")]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_has_the_keys_of_the_schema(path):
    """Each key at the top and of each table; jsonschema, where it is installed, checks the whole."""
    schema = json.loads((DOCS / "frenkel.schema.json").read_text(encoding="utf-8"))
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    kind = "ArrayConfiguration" if "array" in document else "Configuration"
    assert set(document) <= set(schema["$defs"][kind]["properties"])
    validator = pytest.importorskip("jsonschema").Draft202012Validator(schema)
    assert validator.is_valid(document)
    assert not validator.is_valid(document | {"devise": {}})

"""One version in all files of a release, and files that a release needs."""

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]


def test_all_files_have_one_version_and_licence():
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    zenodo = json.loads((ROOT / ".zenodo.json").read_text("utf-8"))
    assert re.search(r"^version: (\S+)$", citation, re.M)[1] == zenodo["version"] == VERSION
    assert re.search(r"^license: (\S+)$", citation, re.M)[1] == zenodo["license"]
    for keyword in zenodo["keywords"]:
        assert f"- {keyword}" in citation


@pytest.mark.parametrize("name", ["CODE_OF_CONDUCT.md", "SECURITY.md", "VERSIONING.md", ".zenodo.json"])
def test_a_source_distribution_has_the_files_of_a_project(name):
    assert (ROOT / name).is_file() and name in (ROOT / "MANIFEST.in").read_text("utf-8").split()

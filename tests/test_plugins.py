"""Entry points of other packages: the template in examples/plugin, as pip would install it."""

import sys
import tomllib
from pathlib import Path

import pytest

import frenkel
from frenkel import plugins
from frenkel.cli.main import main

TEMPLATE = Path(__file__).resolve().parents[1] / "examples" / "plugin"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A folder on the path with the template's package and the metadata that pip writes."""
    groups = tomllib.loads((TEMPLATE / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    info = tmp_path / "frenkel_example-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: frenkel-example\nVersion: 0.1.0\n")
    lines = [
        f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in rows.items()) for group, rows in groups.items()
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(TEMPLATE))
    monkeypatch.chdir(tmp_path)
    yield info
    sys.modules.pop("frenkel_example", None)


def test_names_of_other_packages_are_found(installed, capsys):
    material = frenkel.Material.load("ExampleOxide")
    assert material.vacancy.migration_barrier == 0.8
    assert frenkel.Card.load("example-cell").features[0].name
    assert main(["export", "example-cell", "--to", "example-table"]) == 0
    assert Path("example-cell.csv").read_text().startswith("name,unit,missing\n")
    assert plugins.names("exports") == ["example-table"]


def test_own_names_come_first_and_others_are_told(installed):
    (installed / "entry_points.txt").write_text(
        "[frenkel.materials]\nHfO2 = frenkel_example:MATERIAL\nX = none:A\n"
    )
    assert frenkel.Material.packaged("HfO2").name == "HfO2.toml"
    with pytest.raises(ValueError, match="'X' of none:A cannot be loaded"):
        frenkel.Material.load("X")


def test_without_a_package_nothing_changes():
    assert plugins.names("materials") == [] and plugins.find("cells", "example-cell") is None
    with pytest.raises(ValueError, match="no material 'ExampleOxide'"):
        frenkel.Material.load("ExampleOxide")

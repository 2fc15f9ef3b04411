"""The material of a configuration: a name, or a table of changed numbers; --set reaches both."""

import pytest

from frenkel.configuration import device, points
from frenkel.configuration.reader import change
from frenkel.kinetic.materials.material import Material

REST = {
    "seed": 1,
    "device": {"thickness": "2.6 nm", "width": "1.56 nm"},
    "phase": [{"kind": "constant", "voltage": "1 V", "duration": "1 us"}],
}
TABLE = {"base": "HfO2", "vacancy": {"migration_barrier": "0.8 eV"}}
CHANGED = Material.load("HfO2").with_values({"vacancy.migration_barrier": 0.8})


def changed(document, *changes):
    whole = REST | document
    for text in changes:
        change(whole, text)
    return device.parse(whole)


def test_a_table_changes_numbers_and_is_written_back():
    parsed = device.parse(REST | {"material": TABLE})
    assert parsed.made_of() == CHANGED
    assert parsed.document()["material"] == TABLE
    assert device.parse(parsed.document()) == parsed


@pytest.mark.parametrize("given", [{}, {"material": "HfO2"}, {"material": {"base": "HfO2"}}])
def test_a_name_alone_stays_a_name(given):
    """Else documents of earlier versions would have other hashes."""
    assert device.parse(REST | given).document()["material"] == "HfO2"


@pytest.mark.parametrize("given", ["HfO2", {"base": "HfO2"}, TABLE])
@pytest.mark.parametrize("key", ["vacancy.migration_barrier", "material.vacancy.migration_barrier"])
def test_a_change_reaches_the_material(given, key):
    assert changed({"material": given}, f"{key}=0.8 eV").made_of() == CHANGED
    assert changed({}, f"{key}=0.8 eV").made_of() == CHANGED


def test_another_base_keeps_the_numbers():
    changes = ["material=HfO2-ETH", "vacancy.migration_barrier=0.8 eV"]
    for order in (changes, changes[::-1]):
        found = changed({}, *order).made_of()
        assert found == Material.load("HfO2-ETH").with_values({"vacancy.migration_barrier": 0.8})


def test_what_is_recorded_is_the_base():
    other = Material.load("HfO2").with_values({"vacancy.charge": 1.0}).document()
    parsed = device.parse(REST | {"material": TABLE, "material_document": other})
    assert parsed.made_of().vacancy.charge == 1 and parsed.made_of().vacancy.migration_barrier == 0.8


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (3, "material must be a name, or a table with base and changed numbers, got 3"),
        ({"vacancy": {"charge": 1}}, "material.base is missing"),
        ({"base": ""}, "material.base"),
        ({"base": "HfO2", "vacancy": {"charge": 9}}, "vacancy.charge must be between -4 and 4, got 9"),
        ({"base": "HfO2", "vacancy": {"migration_barier": "1 eV"}}, "did you mean 'migration_barrier'"),
        ({"base": "HfO2", "vacncy": {}}, "unknown key vacncy .did you mean 'vacancy'"),
    ],
)
def test_a_fault_is_named(given, message):
    with pytest.raises(ValueError, match=message):
        device.parse(REST | {"material": given}, "x.toml")


def test_the_file_of_an_array_has_no_such_keys():
    document = {"array": {}}
    change(document, "vacancy.migration_barrier=0.8 eV")
    assert "material" not in document


def test_points_of_a_grid_change_their_own_material():
    base = device.parse(REST).document()
    texts = ["0.7 eV", "0.8 eV"]
    materials = {name: Material.load(name).document() for name in ("HfO2", "HfO2-ETH")}
    over = {"vacancy.migration_barrier": texts, "material": list(materials)}
    grid = points.Grid(base, over, materials)
    assert list(grid.names()) == list(materials)
    found = [(one.made_of().name, one.made_of().vacancy.migration_barrier) for one in grid]
    assert found == [("HfO2", 0.7), ("HfO2-ETH", 0.7), ("HfO2", 0.8), ("HfO2-ETH", 0.8)]
    assert points.Grid(base, {"vacancy.migration_barrier": texts}).names() == ["HfO2"]
    assert len({one.seed for one in grid}) == 4

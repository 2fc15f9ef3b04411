"""A set with other numbers: by text, by file, by table; what is recorded; each fault is one sentence."""

import pytest

from frenkel.kinetic.materials.changes import number
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.materials.rows import MaterialError

HFO2 = Material.load("HfO2-volatile")
BARRIER = {"vacancy": {"migration_barrier": "0.8 eV"}}


def row(material, section, key):
    return next(one for one in material.table() if (one.section, one.key) == (section, key))


def write(folder, name, text):
    (folder / name).write_text(text)
    return folder / name


def test_text_file_and_number_give_one_material(tmp_path):
    by_number = HFO2.with_values({"vacancy.migration_barrier": 0.8})
    text = 'based_on = "HfO2-volatile"\nvacancy.migration_barrier = "800 meV"\n'
    file = write(tmp_path, "HfO2-volatile.toml", text)
    others = [HFO2.with_values({"vacancy.migration_barrier": "0.8 eV"}), HFO2.with_changes(BARRIER)]
    assert all(one == by_number for one in [*others, Material.read(file)])
    assert by_number.hash != HFO2.hash and HFO2.vacancy.migration_barrier == 0.7


@pytest.mark.parametrize(
    ("section", "key", "value", "expected"),
    [
        ("exchange", "dipole", "1.5 e*nm", 1.5e-9),
        ("vacancy", "attempt_frequency", "10 THz", 1e13),
        ("lattice", "spacing", "2.6 angstrom", 2.6e-10),
        ("column", "vacancy_fraction", 0.25, 0.25),
        ("column", "vacancy_fraction", "0.25", 0.25),
        ("vacancy", "charge", 1, 1),
    ],
)
def test_units_are_those_of_the_key(section, key, value, expected):
    assert number(section, key, value) == expected
    assert getattr(getattr(HFO2.with_changes({section: {key: value}}), section), key) == expected


def test_what_is_changed_is_recorded():
    changed = HFO2.with_changes(BARRIER | {"column": {"vacancy_fraction": 0.2}})
    found = row(changed, "vacancy", "migration_barrier")
    assert (found.value, found.unit, found.confidence) == (0.8, "eV", "chosen")
    assert found.source == "set by hand instead of 0.7 eV" and found.range is None
    expected = "HfO2-volatile with other numbers: vacancy.migration_barrier, column.vacancy_fraction"
    assert changed.description == expected and changed.name == "HfO2-volatile"
    rest = [one for one in HFO2.table() if one.key not in ("migration_barrier", "vacancy_fraction")]
    assert all(one in changed.table() for one in rest)


def test_a_number_in_full_keeps_its_source():
    full = {"value": 0.9, "unit": "eV", "confidence": "measured", "source": "somebody (2020)"}
    changed = HFO2.with_changes({"vacancy": {"migration_barrier": full}})
    assert row(changed, "vacancy", "migration_barrier").source == "somebody (2020)"


def test_files_build_on_files(tmp_path):
    write(tmp_path, "a.toml", 'based_on = "HfO2"\nformula = "HfO"\nvacancy.migration_barrier = "0.8 eV"\n')
    (tmp_path / "sub").mkdir()
    file = write(tmp_path / "sub", "b.toml", 'based_on = "../a.toml"\nexchange.barrier = "1.7 eV"\n')
    found = Material.read(file)
    assert (found.name, found.formula) == ("b", "HfO")
    assert (found.vacancy.migration_barrier, found.exchange.barrier) == (0.8, 1.7)
    assert "based_on" not in found.document()
    assert Material(found.document(), "b") == found  # of no other file any more


def test_what_is_left_out_is_gone():
    found = HFO2.with_changes({"without": ["column", "heat.melting_point"]})
    assert not found.has("column") and found.heat.melting_point == 0.0 and HFO2.has("column")


def test_a_circle_of_files_is_named(tmp_path):
    write(tmp_path, "a.toml", 'based_on = "b.toml"\n')
    write(tmp_path, "b.toml", 'based_on = "a.toml"\n')
    with pytest.raises(MaterialError, match=r"[ab].toml: more than 10 files are based on each other"):
        Material.read(tmp_path / "a.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('based_on = "HfO"', r"no material 'HfO' \(did you mean 'HfO2'\?\)"),
        ('based_on = "none.toml"', "cannot read material file .*none.toml: No such file"),
        ("based_on = 2", "m.toml: based_on must be the name of a material, got 2"),
        ('based_on = "HfO2"\nvacancy.migration_barrier = 0.8', "text with a unit of eV, such as '0.8 eV'"),
        ('based_on = "HfO2"\nvacancy.migration_barrier = "0.8 nm"', "must be in eV"),
        ('based_on = "HfO2"\nvacancy.migration_barrier = "80 eV"', "must be between 0 and 10 eV, got '80"),
        ('based_on = "HfO2"\nvacancy.charge = "many"', "vacancy.charge must be a pure number, got 'many'"),
        ('based_on = "HfO2"\nvacancy.charge = true', "vacancy.charge must be a pure number, got True"),
        ('based_on = "HfO2"\nvacancy.charge = 5', "vacancy.charge must be between -4 and 4, got 5"),
        ('based_on = "HfO2"\nvacancy.charge = 1.5', "m.toml: vacancy.charge must be a whole number, got 1.5"),
        ('based_on = "HfO2"\nvacancy.barrier = "1 eV"', "no key 'barrier' in section"),
        ('based_on = "HfO2"\nvacancy = 3', "m.toml: vacancy must be a section with numbers, got 3"),
        ('based_on = "HfO2"\nvacuum.x = 3', "m.toml: unknown key vacuum"),
        ('based_on = "HfO2"\nwithout = ["cap"]', "without names 'cap', which the set does not have"),
        ('based_on = "HfO2"\nwithout = "cap"', "without must be a list"),
        ('based_on = "HfO2"\nwithout = ["vacancy"]', "mechanism 'vacancy hop' needs a section"),
    ],
)
def test_a_fault_of_a_file_is_one_sentence(tmp_path, text, message):
    with pytest.raises(MaterialError, match=message) as caught:
        Material.read(write(tmp_path, "m.toml", text + "\n"))
    assert "\n" not in str(caught.value)

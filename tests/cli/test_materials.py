"""`frenkel materials` prints a material, changes it, and writes it into a file that reads as the same."""

import pytest

from frenkel.cli.main import main
from frenkel.kinetic.materials.material import Material
from frenkel.reports.device import changed_numbers

BARRIER = "vacancy.migration_barrier=0.8 eV"


def test_a_copy_is_the_same_material(tmp_path, capsys):
    assert main(["materials", "TaOx", "--write", str(tmp_path / "mine.toml")]) == 0
    assert 'material = "mine.toml"' in capsys.readouterr().out
    assert Material.read(tmp_path / "mine.toml").hash == Material.load("TaOx").hash


def test_changes_are_written_in_a_few_lines(tmp_path):
    mine = tmp_path / "mine.toml"
    change = ["--set", BARRIER, "--set", "column.vacancy_fraction=0.2"]
    assert main(["materials", "HfO2-volatile", *change, "--write", str(mine)]) == 0
    values = {"vacancy.migration_barrier": 0.8, "column.vacancy_fraction": 0.2}
    assert Material.read(mine).hash == Material.load("HfO2-volatile").with_values(values).hash
    assert len(mine.read_text().splitlines()) == 8
    leaf = "vacancy.charge={value=1, unit='1', source='\"x\"', confidence='chosen'}"
    assert main(["materials", str(mine), "--set", leaf, "--write", str(tmp_path / "more.toml")]) == 0
    found = Material.read(tmp_path / "more.toml")
    assert found.hash == Material.load("HfO2-volatile").with_values(values | {"vacancy.charge": 1.0}).hash


def test_a_changed_material_is_printed(capsys):
    assert main(["materials", "HfO2-volatile", "--set", BARRIER]) == 0
    assert "set by hand instead of 0.7 eV" in capsys.readouterr().out


def test_a_result_says_what_was_changed():
    document = Material.load("HfO2-volatile").with_values({"vacancy.migration_barrier": "0.8 eV"}).document()
    expected = ["            vacancy.migration_barrier = 0.8 eV, set by hand instead of 0.7 eV"]
    assert changed_numbers(document) == expected
    assert not changed_numbers(Material.load("HfO2-volatile").document())
    assert not any(changed_numbers(other) for other in (None, 3, {"a": 1}, {"a": {"b": 1}}, {"a": {"b": {}}}))


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--write", "a.toml"], 2, "need the name of a material"),
        (["HfO2-volatile", "--set", "vacancy=1"], 2, "SECTION.KEY=VALUE"),
        (["HfO2-volatile", "--set", "seed=1"], 2, "SECTION.KEY=VALUE"),
        (["HfO2-volatile", "--set", "vacancy.migration_barrier=80 eV"], 1, "between 0 and 10 eV"),
        (["HfO2-volatile", "--set", "vacancy.charge.x=1"], 1, "vacancy.charge"),
        (["HfO2-volatile", "--write", "a.txt"], 2, "must end in .toml"),
        (["HfO2-volatile", "--write", "there.toml"], 1, "exists already"),
        (["there.toml", "--write", "there.toml", "--force"], 2, "not be the file of the material itself"),
        (["Hf", "--write", "a.toml"], 1, "no material 'Hf'"),
    ],
)
def test_a_fault_is_one_sentence(arguments, status, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.toml").write_text('based_on = "HfO2-volatile"\n')
    assert main(["materials", *arguments]) == status
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1 and not (tmp_path / "a.toml").exists()


def test_origins_count_every_number_once(capsys):
    """HfO2 has none of a machine-learned potential; a number that says so is counted, and as an energy."""
    assert main(["materials", "HfO2-fast", "--origins"]) == 0
    heads, _, row = capsys.readouterr().out.splitlines()
    names = ["measured", "ab initio", "machine-learned potential", "fitted", "recalled", "chosen"]
    assert [name for name in names if name in heads] == names
    cells = row.split()[1:]
    counts, energies = [int(cell) for cell in cells[::2]], [int(cell.strip("()")) for cell in cells[1::2]]
    assert sum(counts) == len(Material.load("HfO2-fast").table()) and counts[2] == 0
    leaf = "{value=1.2, unit='eV', source='a test', confidence='machine-learned potential'}"
    assert main(["materials", "HfO2-fast", "--set", f"vacancy.migration_barrier={leaf}", "--origins"]) == 0
    cells = capsys.readouterr().out.splitlines()[-1].split()[1:]
    assert [int(cell) for cell in cells[::2]] == [*counts[:2], 1, counts[3] - 1, *counts[4:]]
    of_energies = [int(cell.strip("()")) for cell in cells[1::2]]
    assert of_energies == [*energies[:2], 1, energies[3] - 1, *energies[4:]]
    assert main(["materials", "--origins"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("all ")

"""`frenkel examples` lists what comes along and copies it, whole, to where it can be run."""

from pathlib import Path

import pytest

from frenkel.cli.main import main

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_all_are_listed_with_a_sentence(capsys):
    assert main(["examples"]) == 0
    lines = [line.split(None, 1) for line in capsys.readouterr().out.splitlines()]
    names = {path.stem for path in EXAMPLES.iterdir() if path.suffix in (".toml", ".py", ".csv")}
    names |= {f"measured/{path.name[:-7]}" for path in (EXAMPLES / "measured").glob("*.csv.gz")}
    assert len(names) > 45 and {name for name, _ in lines} == names
    assert all(len(about) > 20 for _, about in lines)


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("switching", ["switching.toml"]),
        ("switching.toml", ["switching.toml"]),
        ("array_write_verify", ["array_write_verify.toml", "hfo2.card.json"]),
        ("ensemble_rtn", ["ensemble_rtn.toml", "hfo2_traps_frozen.toml"]),
        ("first_device", ["first_device.py"]),
        ("measured_rtn", ["measured_rtn.csv"]),
    ],
)
def test_an_example_is_copied_with_what_it_needs(name, files, tmp_path, capsys):
    assert main(["examples", name, "-o", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == files
    assert (tmp_path / files[0]).read_text() == (EXAMPLES / files[0]).read_text().replace("examples/", "")
    for file in files[1:]:
        assert (tmp_path / file).read_bytes() == (EXAMPLES / file).read_bytes()
    if name == "ensemble_rtn":
        assert main(["check", str(tmp_path / "ensemble_rtn.toml")]) == 0
    assert capsys.readouterr().out.startswith(f"wrote {tmp_path / files[0]}")


def test_a_measured_table_is_copied_with_its_licence(tmp_path, capsys):
    assert main(["examples", "measured/b1500.csv.gz", "-o", str(tmp_path)]) == 0
    assert (tmp_path / "b1500.csv.gz").read_bytes() == (EXAMPLES / "measured" / "b1500.csv.gz").read_bytes()
    assert "MIT licence" in (tmp_path / "b1500.md").read_text(encoding="utf-8")
    assert main(["read", str(tmp_path / "b1500.csv.gz")]) == 0
    assert "now: frenkel read b1500.csv.gz" in capsys.readouterr().out
    assert main(["examples", "measured/b1500", "-o", str(tmp_path)]) == 1


def test_what_to_run_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["examples", "switching"]) == 0
    assert "now: frenkel run switching.toml -o switching.nc" in capsys.readouterr().out
    assert main(["examples", "switching"]) == 1
    assert "exists already" in capsys.readouterr().err
    assert main(["examples", "switching", "--force"]) == 0


def test_an_unknown_example_is_named(capsys):
    assert main(["examples", "swiching"]) == 2
    assert "no example 'swiching' (did you mean 'switching'?)" in capsys.readouterr().err

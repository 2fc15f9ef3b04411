"""The commands that draw: `plot conduction` and `rtn`."""

from pathlib import Path

import pytest

from frenkel.cli.main import main

CSV = Path(__file__).resolve().parents[2] / "examples" / "measured_rtn.csv"


def test_conduction_of_a_material(tmp_path, capsys):
    picture = tmp_path / "c.png"
    assert main(["plot", "conduction", "HfO2-volatile", "--thickness", "8 nm", "-o", str(picture)]) == 0
    assert picture.stat().st_size > 10_000 and "wrote" in capsys.readouterr().out


def test_traps_of_a_measured_trace(tmp_path, capsys):
    picture = tmp_path / "r.png"
    assert main(["rtn", str(CSV), "--most", "2", "--plot", str(picture)]) == 0
    said = capsys.readouterr().out
    assert "6.4" in said and "1.9 nA" in said and picture.exists()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["plot", "conduction", "HfO3"], "no material 'HfO3'"),
        (["plot", "conduction", "MoS2-Au"], r"MoS2-Au has no section \[transport\]"),
        (["plot", "conduction", "HfO2-volatile", "--thickness", "5 V"], "5 V"),
        (["rtn", "nothing.csv"], "nothing.csv"),
        (["rtn", "nothing.nc"], "nothing.nc"),
        (["rtn", str(CSV), "--step", "3"], "unit of s"),
    ],
)
def test_mistakes_end_in_one_sentence(words, text, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 1
    import re

    error = capsys.readouterr().err
    assert re.search(text, error) and error.count("\n") == 1

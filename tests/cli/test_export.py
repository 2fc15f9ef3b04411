"""The command that writes cards for other programs."""

import errno
import json
from dataclasses import replace

import pytest
from made_up_core import CARD
from made_up_ladder import law

from frenkel.analysis.exports import cards as card_exports
from frenkel.analysis.fitting import card_schema
from frenkel.cli import export as cli_export
from frenkel.cli.main import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the working folder, with a card in it."""
    card_schema.save(replace(CARD, jump_law=law()), tmp_path / "hfo2.card.json")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_formats_agree():
    assert tuple(card_exports.FORMATS) == cli_export.CARD_FORMATS


@pytest.mark.parametrize("form", cli_export.CARD_FORMATS)
def test_every_format_is_written(folder, capsys, form):
    """To a name of its own without -o; an existing file is kept unless --force is given."""
    assert main(["export", "hfo2.card.json", "--to", form]) == 0
    path = folder / f"hfo2{card_exports.FORMATS[form]}"
    assert capsys.readouterr().out == f"wrote {path.name}\n" and path.stat().st_size > 1000
    first = path.read_bytes()
    assert main(["export", "hfo2.card.json", "--to", form]) == 1
    assert f"{path.name} exists already" in capsys.readouterr().err
    assert main(["export", "hfo2.card.json", "--to", form, "--force"]) == 0
    assert path.read_bytes()[:100] == first[:100]
    assert sorted(p.name for p in folder.iterdir()) == sorted(["hfo2.card.json", path.name])


def test_cycles_are_drawn_into_circuits(folder):
    words = ["--devices", "2", "--cycles", "3", "--seed", "4"]
    assert main(["export", "hfo2.card.json", "--to", "ngspice", *words]) == 0
    text = (folder / "hfo2.sub").read_text()
    assert text.count(".subckt frenkel_cycles_") == 2 and ".subckt frenkel_cell " in text
    assert main(["export", "hfo2.card.json", "--to", "vacask", *words]) == 0
    assert "2 devices, 3 cycles" in (folder / "hfo2.sim").read_text()


def test_unknown_format_lists_them(folder, capsys):
    with pytest.raises(SystemExit) as left:
        main(["export", "hfo2.card.json", "--to", "hspice"])
    error = capsys.readouterr().err
    assert left.value.code == 2 and all(form in error for form in cli_export.CARD_FORMATS)


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["hfo2.card.json", "--to", "xyz"], 2, "a card can be written as npz, verilog-a, ngspice"),
        (["hfo2.nc", "--to", "npz"], 2, "a result can be written as xyz, got --to npz"),
        (["hfo2.card.json", "--to", "npz", "--cycles", "3"], 2, "--cycles is for ngspice, vacask, "),
        (["hfo2.card.json", "--to", "ngspice", "--pulses", "9"], 2, "--pulses is for aihwkit and neurosim"),
        (["hfo2.card.json", "--to", "vacask", "--devices", "0"], 2, "--devices must be at least 1, got 0"),
        (["hfo2.card.json", "--to", "neurosim", "--pulses", "2"], 2, "--pulses must be at least 3, got 2"),
        (["hfo2.card.json", "--to", "npz", "-o", "hfo2.card.json"], 2, "--output must end in .npz"),
        (["none.json", "--to", "npz"], 1, "there is no file none.json"),
        (["hfo2.card.json", "--to", "npz", "-o", "none/a.npz"], 1, "there is no folder none"),
    ],
)
def test_errors_are_one_sentence(folder, capsys, words, status, message):
    assert main(["export", *words]) == status
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and "Traceback" not in error


def test_tampered_card(folder, capsys):
    data = json.loads((folder / "hfo2.card.json").read_text())
    data["cycle"]["coefficients"][0][0][0] = 0.1
    (folder / "hfo2.card.json").write_text(json.dumps(data))
    assert main(["export", "hfo2.card.json", "--to", "npz"]) == 1
    assert "was changed after it was written" in capsys.readouterr().err


def test_full_disk(folder, capsys, monkeypatch):
    """The sentence says so, and neither a part of the new file nor the loss of the old one is left."""
    assert main(["export", "hfo2.card.json", "--to", "ngspice"]) == 0
    before = (folder / "hfo2.sub").read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert main(["export", "hfo2.card.json", "--to", "ngspice", "--force"]) == 1
    assert "is full" in capsys.readouterr().err
    assert (folder / "hfo2.sub").read_bytes() == before
    assert sorted(p.name for p in folder.iterdir()) == ["hfo2.card.json", "hfo2.sub"]


@pytest.mark.parametrize(
    ("words", "draws"),
    [
        ([], None), (["--seed", "3"], (1, 10, 3)), (["--devices", "4"], (4, 10, 0)),
        (["--cycles", "5", "--devices", "2", "--seed", "7"], (2, 5, 7)),
    ],
)  # fmt: skip
def test_what_is_drawn_is_one_device_of_ten_cycles_unless_it_is_said(folder, monkeypatch, words, draws):
    calls = []
    monkeypatch.setattr(card_exports, "export", lambda *_, **options: calls.append(options) or "a file")
    assert main(["export", "hfo2.card.json", "--to", "ngspice", *words]) == 0
    ((given, pulses),) = [(one["draws"], one["pulses"]) for one in calls]
    found = None if given is None else (given.devices, given.cycles, given.seed)
    assert (found, pulses) == (draws, 64)

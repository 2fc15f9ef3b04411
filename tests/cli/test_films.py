"""`show --movie` and `export --electrodes`: what they write, and what they refuse before they work."""


import earlier
import pytest

import frenkel as fk
from frenkel.analysis.plots.film import Film
from frenkel.cli.main import main

DATA = earlier.today()


def test_a_film_of_a_file(tmp_path, capsys):
    """The same page as in Python."""
    assert main(["show", str(DATA / "run.nc"), "--movie", str(tmp_path / "x.html")]) == 0
    assert f"wrote {tmp_path / 'x.html'}" in capsys.readouterr().out
    assert (tmp_path / "x.html").read_text() == fk.open(DATA / "run.nc").frenkel.film().html


def test_a_device_is_viewed():
    device = fk.Device("TaOx", "2.6 nm", "1.56 nm", seed=1)
    with pytest.raises(ValueError, match="nothing was run"):
        device.view()
    device.run(fk.Waveform.triangle("1 V", rate="1 GV/s"), samples=20, snapshots=4)
    film = device.view()
    assert isinstance(film, Film) and len(film.data["frames"]) == device.result.sizes["snapshot"]


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["show", "run.nc", "--movie", "x.mp4"], 2, "a film must end in .html, got 'x.mp4'"),
        (["show", "run.nc", "--movie", "none/x.html"], 1, "there is no folder"),
        (["show", "ensemble.nc", "--movie", "x.html"], 2, "--movie is for the result of one device, "),
        (["show", "array.nc", "--movie", "x.html"], 2, "--movie is for the result of one device, "),
        (["export", "small.card.json", "--to", "npz", "--electrodes"], 2, "--electrodes is for xyz, got"),
    ],
)
def test_refused_in_one_sentence(tmp_path, monkeypatch, capsys, words, status, message):
    monkeypatch.chdir(tmp_path)
    words[1] = str(DATA / words[1])
    assert main(words) == status
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not list(tmp_path.iterdir())


def test_an_existing_film_is_kept(tmp_path, capsys):
    target = tmp_path / "x.html"
    target.write_text("mine")
    assert main(["show", str(DATA / "run.nc"), "--movie", str(target)]) == 1
    assert "exists already" in capsys.readouterr().err and target.read_text() == "mine"


def test_electrodes_are_exported(tmp_path):
    plain, whole = tmp_path / "plain.xyz", tmp_path / "whole.xyz"
    assert main(["export", str(DATA / "run.nc"), "--to", "xyz", "-o", str(plain)]) == 0
    assert main(["export", str(DATA / "run.nc"), "--to", "xyz", "-o", str(whole), "--electrodes"]) == 0
    assert "top_electrode -1 " in whole.read_text() and "top_electrode" not in plain.read_text()

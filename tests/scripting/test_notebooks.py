"""What people use in scripts: verify and holds as in a file, cards by name, what notebooks show."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

import frenkel as fk
from frenkel import notebook
from frenkel.cells.card import CardError
from frenkel.cells.files import PACKAGED
from frenkel.cli.main import main
from frenkel.configuration import device as configuration
from frenkel.experiment import device as experiment

SIZE = {"thickness": "2.6 nm", "width": "1.56 nm"}
FORM = {"kind": "form", "amplitude": "5 V", "rate": "10 MV/s", "fall_rate": "100 MV/s", "hold": "10 ns",
        "compliance": "50 uA", "to_compliance": True, "samples": 40,
        "verify": {"resistance": "1 ohm", "attempts": 2}}  # fmt: skip


class Texts(HTMLParser):
    """The texts between tags, and the names of the tags."""

    def __init__(self, page):
        super().__init__()
        self.texts, self.tags = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture(scope="module")
def formed():
    """Return a device that was formed twice, its resistance never being as low as asked."""
    device = fk.Device("TaOx", **SIZE, seed=1, circuit=fk.Circuit(compliance=50e-6))
    wave = fk.Waveform.triangle("5 V", "10 MV/s", hold="10 ns", fall_rate="100 MV/s", label="form")
    device.made = device.run(wave, samples=40, to_compliance=True, verify=1.0, attempts=2)
    return device


def test_verify_and_hold_as_in_a_file(formed):
    """The same atoms at the same times, all attempts of them; and bit by bit again from what is recorded."""
    whole = {"seed": 1, "material": "TaOx", "device": SIZE, "phase": [FORM]}
    file, names = experiment.run(configuration.parse(whole)), ["form", "form (attempt 2)"]
    assert list(file["phase_name"].values) == list(formed.made["phase_name"].values) == names
    for name in ("events", "defect_site", "phase_attempt"):
        np.testing.assert_array_equal(file[name].values, formed.made[name].values, name)
    for name in ("time", "source_voltage", "current"):  # a hold is told from its ends, to rounding
        np.testing.assert_allclose(file[name].values, formed.made[name].values, 1e-9, 1e-15, err_msg=name)
    assert experiment.first_difference(formed.result, fk.again(formed.result)) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"verify": "-1 ohm"}, "Device.run: verify: resistance must be"),
        ({"verify": "28 kohm", "attempts": 0}, "attempts must be greater than or equal to 1, got 0"),
        ({"verify": "28 kohm", "stop": lambda *_: True}, "verify cannot be combined with stop"),
        ({"verify": "28 kohm", "wave": fk.Waveform.constant(1.0, 1e-6)}, "verify needs a waveform from 0 V"),
    ],
)
def test_verify_is_checked(options, message):
    device = fk.Device("TaOx", **SIZE, seed=1)
    wave = options.pop("wave", fk.Waveform.triangle("1 V", "10 MV/s"))
    with pytest.raises(ValueError, match=message):
        device.run(wave, **options)


def test_a_hold_is_a_plateau():
    wave = fk.Waveform.triangle("2 V", "1 MV/s", hold="3 us")
    assert wave.times == pytest.approx((0.0, 2e-6, 5e-6, 7e-6)) and wave.voltages == (0.0, 2.0, 2.0, 0.0)
    with pytest.raises(ValueError, match="hold must be"):
        fk.Waveform.triangle("2 V", "1 MV/s", hold="-3 us")


def test_cards_by_name(tmp_path, monkeypatch, capsys):
    """In Python and on the command line; a file of that name comes first."""
    monkeypatch.chdir(tmp_path)
    assert fk.Card.load("hfo2").to_dict() == fk.Card.load(PACKAGED).to_dict()
    with pytest.raises(CardError, match=r"no card 'hfo'.*hfo2.*; files of cards end in .json"):
        fk.Card.load("hfo")
    assert main(["export", "hfo2", "--to", "npz"]) == 0 and (tmp_path / "hfo2.npz").exists()
    assert main(["show", "nothing"]) == 1
    assert "no card 'nothing'; there are: hfo2" in capsys.readouterr().err
    (tmp_path / "hfo2").write_text("{}")
    with pytest.raises(CardError, match="hfo2 is not a frenkel card"):
        fk.Card.load("hfo2")


def test_a_curve_is_within_its_frame():
    svg = notebook.sparkline([0.0, 1.0, 2.0], [5.0, -5.0, 5.0])
    points = [tuple(map(float, pair.split(","))) for pair in re.search('points="([^"]*)"', svg)[1].split()]
    assert points == [(2.0, 2.0), (90.0, 38.0), (178.0, 2.0)]
    assert notebook.sparkline([1.0], [1.0]) == ""
    assert notebook.sparkline([1.0, 2.0], [3.0, 3.0]).count(",") == 2
    assert notebook.sparkline(range(10_000), range(10_000)).count(",") < 500


def test_tables_hold_text_and_no_markup():
    page = Texts(notebook.page("<b>", "a & b", notebook.table(("<i>",), [("</table>",)])))
    assert {"<b>", "<i>", "</table>"} <= set(page.texts) and "i" not in page.tags


def test_objects_in_notebooks(formed):
    page = Texts(formed._repr_html_())
    assert {"Device", "form", "form (attempt 2)", "ohm at 0.1 V"} <= set(page.texts) and "svg" in page.tags
    assert f"{abs(0.1 / formed.logs[-1].read_current):.4g}" in page.texts
    card = Texts(fk.Card.load("hfo2")._repr_html_())
    assert {"Card hfo2", "set_voltage", "gate"} <= set(card.texts)
    assert "polyline" in Texts(fk.Waveform.triangle("1 V", "1 V/s")._repr_html_()).tags
    chip = fk.Chip(None, "1T1R", rows=64)
    assert repr(chip) == "<Chip 1T1R, 1 copies: holds no network>" and "64" in Texts(chip._repr_html_()).texts
    chip.program([np.full((5, 3), 0.5), np.full((3, 2), 0.5)])
    assert "holds 5 - 3 - 2 in " in repr(chip)
    fresh = fk.Device("TaOx", **SIZE, seed=1)
    assert "svg" not in Texts(fresh._repr_html_()).tags

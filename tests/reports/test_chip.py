"""The report of a chip: its numbers are those of card, validation and comparison, and it is one page."""

from base64 import b64decode

import numpy as np
import pytest
from made_up_cards import made_up_card
from matplotlib.figure import Figure

from frenkel.analysis.fitting import compare
from frenkel.analysis.measured import files
from frenkel.analysis.plots.datasheet import image
from frenkel.analysis.statistics.comparison import Comparison
from frenkel.cli.main import main
from frenkel.data import store
from frenkel.data.measured.schema import LAYOUT
from frenkel.experiment import fit_card
from frenkel.reports import chip

DEVICES, CYCLES = 6, 12


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """A file of cycles whose HRS is 100 kohm in the median; no picture is rendered."""
    monkeypatch.setattr(chip, "image", lambda figure, alternative: f"<img alt='{alternative}'>")
    random = np.random.default_rng(3)
    rows = ["device,cycle,hrs (ohm),lrs (ohm)"]
    for device in range(DEVICES):
        for cycle in range(1, CYCLES + 1):
            high, low = np.array([1e5, 1e4]) * np.exp([0.3, 0.1] * random.standard_normal(2))
            rows.append(f"<b>{device}</b>,{cycle},{high:.6g},{low:.6g}")
    text = tmp_path / "chip.csv"
    text.write_text("\n".join(rows))
    store.save(files.read([text]), tmp_path / "chip.nc", layout=LAYOUT)
    return tmp_path / "chip.nc"


def card(**made):
    return made_up_card(provenance={"judged": {"by": "blocks", "devices": 6, "cycles": 12}} | made)


def without_pictures(monkeypatch):
    monkeypatch.setattr(chip, "_picture", lambda *_: None)


def test_a_card_of_these_devices_has_its_own_validation(measured, monkeypatch):
    without_pictures(monkeypatch)
    monkeypatch.setattr(fit_card, "read_cycles", lambda *_: (None, {}))
    text = chip.page(measured, card=card(file="chip.nc", doubts=["labels <mixed>"]))
    assert "6 device(s)" in text and text.count("<img") == 2 and "<script" not in text
    assert "<td>pooled</td><td>0.1</td><td>0.2</td><td>passed</td>" in text
    assert "67 devices instead of 6" in text and "doubtful: labels &lt;mixed&gt;" in text
    assert "frenkel show chip.nc ensemble.nc --datasheet chip.html" in text


def test_the_card_of_other_devices_is_validated_on_these(measured, monkeypatch):
    without_pictures(monkeypatch)
    rows = [Comparison(statistic=f"row {k}", value=0.1 * k, floor=0.1, limit=0.85) for k in range(10)]
    monkeypatch.setattr(fit_card, "judge_card", lambda *_: (rows, None))
    text = chip.page(measured, card=card(file="other.nc"))
    assert "1 of 10 rows fail" in text and "2 more rows are nearer" in text
    assert text.index("row 9") < text.index("row 2") and "row 1<" not in text


def test_a_reason_replaces_a_card(measured, monkeypatch):
    def refuse(path):
        raise fit_card.ObservationError("traces <alone> give none")

    monkeypatch.setattr(fit_card, "fit_card", refuse)
    text = chip.page(measured)
    assert "No card: traces &lt;alone&gt; give none." in text and "Validation" not in text
    monkeypatch.setattr(files, "load_or_read", lambda path: None)  # what a result is read as
    with pytest.raises(ValueError, match="holds no measurements"):
        chip.page(measured)


def test_a_simulation_is_compared_by_the_rows_of_compare(measured, monkeypatch):
    """Against itself no row fails, and both columns of medians are equal."""
    monkeypatch.setattr(fit_card, "fit_card", lambda path: (_ for _ in ()).throw(ModuleNotFoundError("none")))
    text = chip.page(measured, simulated=measured)
    data = files.load(measured)
    rows = compare.distances(*compare.pair(data, data, "a", "b"))
    assert f"No row of {len(rows)} fails." in text
    median = float(np.median(data["hrs_terminal"]))
    line = next(line for line in text.splitlines() if "<td>hrs_terminal</td><td>" in line and "(" in line)
    first, other = line.replace("</td>", "").split("<td>")[2:4]
    assert first == other.replace("</tr>", "") and first.startswith(f"{median / 1e3:.3g} kohm")


def test_an_image_holds_its_pixels():
    text = image(Figure(figsize=(1, 1)), "a 'b'")
    assert text.startswith('<img alt="a &#x27;b&#x27;" src="data:image/png;base64,')
    assert b64decode(text.split("base64,")[1].split('"')[0])[:4] == b"\x89PNG"


def test_the_command(measured, monkeypatch, capsys):
    monkeypatch.chdir(measured.parent)
    calls = []
    monkeypatch.setattr(chip, "page", lambda path, **settings: calls.append(settings) or "<html>")
    monkeypatch.setattr("frenkel.cells.card.Card.load", lambda path: path)
    assert main(["show", "chip.nc", "a.card.json", "b.nc", "--datasheet", "r.html"]) == 0
    out = capsys.readouterr().out
    assert "6 device(s)" in out and "wrote r.html" in out
    assert (measured.parent / "r.html").read_text() == "<html>"
    assert (str(calls[0]["card"]), str(calls[0]["simulated"])) == ("a.card.json", "b.nc")
    for wrong, message in [
        (["b.nc"], "b.nc is taken beside measurements, with --datasheet, only"),
        (["a.json", "b.json", "--datasheet", "x.html"], "one card and one file of simulated devices at most"),
        (["--datasheet", "x.pdf"], "must end in .html"),
        (["--movie", "x.html"], "--movie is for the result of one device, chip.nc holds measurements"),
    ]:
        assert main(["show", "chip.nc", *wrong]) == 2
        assert message in capsys.readouterr().err

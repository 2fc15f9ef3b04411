"""The command `frenkel study`: every study at a reduced size, its files, its page, mistakes of a user."""

import json

import numpy as np
import pytest
import xarray as xr

from frenkel.cli.main import main
from frenkel.data import store
from frenkel_studies import STUDIES, chosen
from frenkel_studies import report as study_report
from frenkel_studies import runner as study
from frenkel_studies.common.claims import rows
from frenkel_studies.common.settings import Settings


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_at_reduced_size(name, reduced_study):
    outcome = reduced_study(name)
    assert outcome.table.startswith("|") and all(claim.ours for claim in outcome.claims)
    assert len({claim.id for claim in outcome.claims}) == len(outcome.claims) > 0
    assert all(picture.stat().st_size > 5000 for picture in outcome.pictures)
    shares = reduced_study.shares[name]
    assert len(shares) > 1 and shares == sorted(shares) and 0.0 <= shares[0] and shares[-1] < 1.0
    again = study.read(name, reduced_study.folder)
    assert again.table == outcome.table and again.claims == outcome.claims
    recorded = json.loads(xr.open_dataset(reduced_study.folder / f"{name}.nc").attrs["provenance"])
    assert recorded["configuration"]["study"] == name and recorded["seed"] == 1
    assert name in ("timing", "noise") or "device_hash" in recorded["configuration"]


def test_write_verify_states_what_cells_reach_by_pulses(reduced_study):
    outcome = reduced_study("write-verify")
    with xr.open_dataset(reduced_study.folder / "write-verify.nc") as data:
        reached, missed = float(data.pulse_reached), float(data.pulse_missed)
    assert 0.0 < reached < 100.0 and 1e-7 < missed < 6e-5
    assert f"{reached:.0f} % of 64 cells" in outcome.table
    assert f"the others miss it by {missed * 1e6:.3g} uS rms" in outcome.table


def test_the_page_holds_every_claim_and_picture(reduced_study):
    outcomes = [reduced_study(name) for name in STUDIES]
    text = study_report.page(outcomes)
    for outcome in outcomes:
        assert outcome.hash in text
        assert all(f"<td>{claim.id}</td>" in text for claim in outcome.claims)
    assert text.count("data:image/png;base64,") == sum(len(outcome.pictures) for outcome in outcomes)


SMALL = ["--seeds", "2", "--chips", "1", "--steps", "10", "--quiet"]


def test_the_command(tmp_path, capsys):
    assert main(["study", "s6", "-o", str(tmp_path / "out"), *SMALL]) == 0
    assert "six-bit weights" in capsys.readouterr().out
    assert {"noise.nc", "report.html", "noise.png"} == {path.name for path in (tmp_path / "out").iterdir()}
    assert main(["study", "noise", "-o", str(tmp_path / "out"), *SMALL]) == 1
    assert "exists already" in capsys.readouterr().err
    before = (tmp_path / "out" / "noise.nc").stat().st_mtime_ns
    assert main(["study", "S6", "-o", str(tmp_path / "out"), "--resume", *SMALL]) == 0
    assert (tmp_path / "out" / "noise.nc").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["S9"], 2, "study must be one of nonidealities, "),
        (["S9"], 2, "system-card, S1, S2, S3, S4, S5, S6, S7 or all, got 'S9'"),
        (["S6", "--data", "imagenet"], 1, "there is no folder imagenet of IDX files"),
        (["S6", "--network", "transformer"], 1, "network must be one of perceptron, convolution"),
        (["S6", "--cell", "measured:nowhere"], 1, "no measured cells 'nowhere'; there are cycles, foundry_b"),
        (["S6", "--seeds", "1"], 1, "seeds must be a whole number between 2 and 1000"),
        (["S6", "--cell", "nowhere.json"], 1, "nowhere.json"),
    ],
)
def test_mistakes(arguments, code, message, tmp_path, capsys):
    try:
        got = main(["study", *arguments, "-o", str(tmp_path)])
    except SystemExit as left:
        got = left.code
    assert got == code and message in capsys.readouterr().err
    assert not list(tmp_path.glob("*.nc"))


def test_damaged_and_foreign_files(tmp_path):
    (tmp_path / "noise.nc").write_bytes(b"not netCDF")
    with pytest.raises(store.StoreError, match="noise.nc"):
        study.read("noise", tmp_path)
    store.save_table(xr.Dataset(attrs={"study": "timing"}), tmp_path / "noise.nc", force=True)
    with pytest.raises(ValueError, match=r"noise.nc holds timing, not noise \(S6\)"):
        study.read("noise", tmp_path)


def test_a_dataset_of_another_study_is_refused(reduced_study, tmp_path):
    data = reduced_study("architectures").data.assign_attrs(study="S2")
    store.save_table(data, tmp_path / "architectures.nc", force=False)
    with pytest.raises(ValueError, match=r"architectures\.nc holds S2, not architectures \(S2\)"):
        study.read("S2", tmp_path)


def test_every_row_of_claims_is_used(reduced_study):
    used = {claim.id for name in STUDIES for claim in reduced_study(name).claims}
    # The series of the UCR archive are not installed everywhere; the packaged card tells no relaxation.
    assert set(rows()) - {"timing-gunpoint", "timing-italy", "system-card-refresh"} <= used <= set(rows())
    for name, row in rows().items():
        assert name.startswith(tuple(STUDIES)) and set(row) == {"sentence", "source", "ours"}


@pytest.mark.parametrize("name", ["nonidealities", "write-verify", "noise", "system-card"])
def test_a_measured_cell_gives_the_rows_that_were_measured(name, tmp_path):
    """Relaxation has rows, blind pulses and SET voltages have none, and the page says so."""
    settings = Settings(seeds=2, chips=1, steps=5, cell="measured:foundry_b")
    found = study.carry_out(name, settings, tmp_path)
    ids = {claim.id for claim in found.claims}
    held, lacking = {
        "nonidealities": ("wait_accuracy", "variability_of_cell"),
        "system-card": ("refresh_period", "blind_accuracy"),
        "write-verify": ("waited_accuracy", "cycle_reached"), "noise": ("rounding_accuracy", "own_bias"),
    }[name]  # fmt: skip
    assert held in found.data and lacking not in found.data
    assert not ids & {"write-verify-blind", "noise-entropy", "noise-rounding"}
    if name != "noise":
        assert "blind pulses" in found.missing and "left out" in study_report.page([found])


def test_images_of_a_folder_and_convolutions(tmp_path, capsys):
    """A folder of one's own, two convolutions, from the command to the page."""
    random, folder = np.random.default_rng(0), tmp_path / "own"
    folder.mkdir()
    for kind, count in (("train", 60), ("t10k", 24)):
        x, y = random.integers(256, size=(count, 8, 9)), np.arange(count) % 3
        for what, values in (("images-idx3", x), ("labels-idx1", y)):
            sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
            raw = bytes([0, 0, 8, values.ndim]) + sizes + values.astype(np.uint8).tobytes()
            (folder / f"{kind}-{what}-ubyte").write_bytes(raw)
    asked = ["study", "system-card", "--data", str(folder), "--network", "convolution", *SMALL]
    assert main([*asked, "-o", str(tmp_path / "out")]) == 0
    assert "IDX files of own" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    recorded = json.loads(xr.open_dataset(tmp_path / "out" / "system-card.nc").attrs["provenance"])
    made = recorded["configuration"]
    # Of files and folders the name alone.
    assert (made["data"], made["network"], made["cell"]) == ("own", "convolution", "hfo2")
    assert "9 x 8" not in capsys.readouterr().err


def test_names_are_put_in_order():
    assert chosen(["s6", "architectures", "Noise"]) == ["architectures", "noise"] and chosen(["all"]) == list(
        STUDIES
    )

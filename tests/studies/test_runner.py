"""The command `frenkel study`: every study at a reduced size, its files, its page, mistakes of a user.

Studies hold together, repeat, and their verdicts follow the numbers. Networks are hardly trained here;
orderings of accuracies need the studies themselves (`make studies`).
"""

import importlib
import json

import numpy as np
import pytest
import xarray as xr

from frenkel.cli.main import main
from frenkel.data import store
from frenkel_studies import (
    STUDIES,
    architectures,
    chosen,
    noise,
    nonidealities,
    system_card,
    timing,
    training,
    write_verify,
)
from frenkel_studies import report as study_report
from frenkel_studies import runner as study
from frenkel_studies.common.claims import rows
from frenkel_studies.common.settings import Settings


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_at_reduced_size(name, reduced_study, monkeypatch):
    outcome = reduced_study(name)
    assert outcome.table.startswith("|") and all(claim.ours for claim in outcome.claims)
    assert len({claim.id for claim in outcome.claims}) == len(outcome.claims) > 0
    assert all(picture.stat().st_size > 5000 for picture in outcome.pictures)
    shares = reduced_study.shares[name]
    assert len(shares) > 1 and shares == sorted(shares) and 0.0 <= shares[0] and shares[-1] < 1.0
    # Drawn above from the same file; `test_the_command` draws over pictures.
    monkeypatch.setattr(study.study(name), "draw", lambda *_: outcome.pictures)
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
    assert f"{reached:.0f} % of 24 cells" in outcome.table
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
    out = tmp_path / "out"
    assert main(["study", "s7", "-o", str(out), *SMALL]) == 0
    assert "one blind pulse of the cell" in capsys.readouterr().out
    assert {"system-card.nc", "report.html", "system_card.png"} == {path.name for path in out.iterdir()}
    assert main(["study", "system-card", "-o", str(out), *SMALL]) == 1
    assert "exists already" in capsys.readouterr().err
    before = [(out / name).stat().st_mtime_ns for name in ("system-card.nc", "system_card.png")]
    assert main(["study", "S7", "-o", str(out), "--resume", *SMALL]) == 0
    again = [(out / name).stat().st_mtime_ns for name in ("system-card.nc", "system_card.png")]
    assert again[0] == before[0] and again[1] > before[1]


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


# --------------------------------------------------------------------------- what they say


@pytest.fixture
def found(reduced_study):
    """Return datasets of the studies, made when first asked for."""
    return lambda name: reduced_study(name).data


def test_the_same_seed_gives_the_same_study(found, reduced_study):
    again = training.run(reduced_study.settings)
    for name, values in found("training").data_vars.items():
        assert np.array_equal(values, again[name]), name


def test_common_factors_cancel_in_both_analogue_subtractions(found):
    data = found("architectures")
    error = data.common_error
    assert float(error.sel(mapping="pair")) < 1e-12 and float(error.sel(mapping="reference")) < 1e-12
    assert float(error.sel(mapping="offset")) > 0.1
    assert float(data.kirchhoff_residual) < 1e-9
    # Without a transistor the closed form: R/(2/(n-1) + 1/(n-1)^2) beside the cell.
    made = json.loads(data.attrs["provenance"])["configuration"]["device"]
    n, window = 64, made["g_max"] / made["g_min"]
    floating = float(data.single_read_error.sel(scheme="floating", size=n))
    assert floating == pytest.approx(window / (2 / (n - 1) + 1 / (n - 1) ** 2), rel=1e-3)
    assert float(data.single_read_error.sel(scheme="half", size=n)) == pytest.approx(
        (n - 1) * window / 2, rel=1e-3
    )


def test_the_clock_agrees_with_the_sum_and_the_batch(found):
    data = found("write-verify")
    assert float(data.clock_time) == float(data.summed_time)
    # 4.5 standard errors of the mean over the cells on the clock: 7e-6.
    assert abs(float(data.clock_pulses - data.batch_pulses)) < 4.5 * float(data.clock_pulses_error)
    count = data.pulses_per_cell.sel(pulses="equal").mean("seed").values
    assert (np.diff(count) > 0.0).all()


def test_energies_of_a_card_add_up_and_counts_are_closed_forms(found):
    data = found("system-card")
    assert np.allclose(data.energy.sum("component"), data.total_energy, rtol=1e-12)
    assert float(data.count_dense) == float(data.closed_dense) == 64 * 32 + 32 * 10
    # The model that is fitted to one published chip is within a factor of two at its other settings.
    found = next(c for c in system_card.claims(data) if c.id == "system-card-neurram")
    assert found.verdict == "supports"


SWAPPED = [
    (nonidealities, "nonidealities-rtn", "telegraph_accuracy", "telegraph_mitigation", ["pair"], ["offset"]),
    (nonidealities, "nonidealities-variability", "variability_accuracy", "variability_mitigation",
     ["noise-aware training", "neurons rescaled"], ["none"]),
    (nonidealities, "nonidealities-devices", "online_accuracy", "device", ["PCMO"],
     ["AlOx/HfO2", "Ag:a-Si", "TaOx/TiO2"]),
    (architectures, "architectures-noise", "independent_accuracy", "mapping", ["pair"], ["reference"]),
    (architectures, "architectures-mapping", "absolute_accuracy", "mapping", ["pair"], ["offset"]),
    (training, "training-mtrd", "accuracy", "training", ["robust teachers"], ["plain"]),
    (training, "training-teachers", "accuracy", "training", ["robust teachers"], ["clean teacher"]),
    (training, "training-fair", "accuracy", "training", ["robust teachers"], ["noise-aware"]),
    (training, "training-places", "place_accuracy", "place", ["weights"], ["inputs", "outputs"]),
    (write_verify, "write-verify-trains", "pulses_per_cell", "pulses", ["amplitude"], ["equal"]),
    (timing, "timing-forecast", "forecast_error", "forecast", ["ten past values"],
     ["devices, spread and noise"]),
    (noise, "noise-rounding", "rounding_accuracy", "rounding", ["device, corrected"], ["nearest"]),
]  # fmt: skip
"""Study, claim, variable, dimension, and values of it that are to be above others if the claim holds."""


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")  # fractions of losses that are none here
@pytest.mark.parametrize(
    ("module", "claim", "name", "dim", "above", "below"), SWAPPED, ids=lambda v: str(v)[:30]
)
def test_verdicts_come_out_three_ways(found, module, claim, name, dim, above, below):
    """Numbers that are put in: above by much, below by much, and by what chance among networks hides."""
    data = found(module.__name__.rsplit(".", 1)[-1].replace("_", "-")).copy(deep=True)

    def verdict(high, low, chance):
        made = data.copy(deep=True)
        for names, level, sign in ((above, high, 1.0), (below, low, -1.0)):
            for one in names:
                values = made[name].loc[{dim: one}]
                made[name].loc[{dim: one}] = level + sign * chance * _turns(values)
        return next(c.verdict for c in module.claims(made) if c.id == claim)

    assert verdict(90.0, 80.0, 0.01) == "supports"
    assert verdict(80.0, 90.0, 0.01) == "contradicts"
    assert verdict(85.5, 85.0, 20.0) == "open"


def _turns(values):
    """Return +1 and -1 in turn along the networks."""
    turns = xr.DataArray((-1.0) ** np.arange(values.sizes["seed"]), dims="seed")
    return xr.zeros_like(values) + turns


def test_the_others_follow_their_numbers_too(found):
    """Claims of one variable or of several effects, each set to what supports and to what contradicts it."""
    data = found("write-verify").copy(deep=True)

    def verdict(module, data, claim):
        return next(c.verdict for c in module.claims(data) if c.id == claim)

    for within, blind, expected in (
        (95.0, 80.0, "supports"),
        (60.0, 80.0, "contradicts"),
        (80.0, 60.0, "corrects"),
    ):
        made = data.copy(deep=True)
        made["float"][:], made["within_accuracy"][:], made["blind_accuracy"][:] = 95.0, within, blind
        assert verdict(write_verify, made, "write-verify-blind") == expected
    data = found("architectures").copy(deep=True)
    for reference, pair, expected in (
        (60.0, 60.0, "supports"),
        (95.0, 95.0, "contradicts"),
        (60.0, 95.0, "corrects"),
    ):
        made = data.copy(deep=True)
        made["float"][:] = 95.0
        for mapping, value in (("reference", reference), ("pair", pair)):
            made["wire_accuracy"].loc[{"mapping": mapping}] = value
        assert verdict(architectures, made, "architectures-drop") == expected
    data = found("timing").copy(deep=True)
    for one, expected in ((1.0, "supports"), (0.3, "contradicts")):
        made = data.copy(deep=True)
        made["interval_accuracy"][:], made["interval_parallel"][:] = 1.0, one
        assert verdict(timing, made, "timing-atoms") == expected
    data = found("nonidealities").copy(deep=True)
    for lost, expected in ((10.0, "supports"), (0.0, "contradicts")):
        made = data.copy(deep=True)
        made["float"][:], made["drift_accuracy"][:] = 95.0, 95.0 - lost
        assert verdict(nonidealities, made, "nonidealities-refresh") == expected


def test_what_follows_from_what_was_put_in_is_called_arithmetic(found):
    told = {
        c.id for name, module in (
            ("architectures", architectures), ("write-verify", write_verify), ("system-card", system_card),
        ) for c in module.claims(found(name)) if c.verdict == "arithmetic"
    }  # fmt: skip
    assert told == {
        "architectures-sneak", "architectures-common", "write-verify-noise", "write-verify-clock",
        "system-card-neurobench", "system-card-sum", "system-card-area",
    }  # fmt: skip


HEADLINES = {
    "nonidealities": ("variability of one blind pulse", "relaxation"),
    "architectures": ("one pulse of the cell", "conductance of all cells (mS)", "(range)"),
    "write-verify": ("accuracy within it", "reached by whole cycles"),
    "training": ("one pulse of the cell",),
    "timing": ("a spike adds 0.25", "a spike adds 0.75", "range"),
    "noise": ("device, corrected",),
    "system-card": ("one blind pulse of the cell", "within 0.05 (range)", "within 0.02 (range)"),
}
"""What the first table of each study holds: the cell's own, and ranges that are called so."""


@pytest.mark.parametrize("name", HEADLINES)
def test_first_tables_hold_the_cell_and_ranges(found, name):
    """No number of a cell is a placeholder or follows from a choice; no energy of a chosen pulse is there."""
    data = found(name)
    made = json.loads(data.attrs["provenance"])["configuration"]
    assert not {"placeholder", "chosen"} & set(made.get("device_origins", {}).values())
    module = importlib.import_module(f"frenkel_studies.{name.replace('-', '_')}")
    first = module.table(data).split("\n\n")[0]
    assert all(words in first for words in HEADLINES[name]), first
    if name == "architectures":
        assert " J " not in first


def test_one_pulse_of_the_cell_is_that_of_its_spread(found):
    """And the energy of the note is that of the conductance in the table."""
    data = found("architectures")
    made = json.loads(data.attrs["provenance"])["configuration"]["device"]
    assert float(data.own_spread) == made["variability"] > 0.0
    # Volt squared times seconds: half of 0.2 V for 10 ns.
    assert data.cell_energy.values == pytest.approx(0.1**2 * 10e-9 * data.driven.values)

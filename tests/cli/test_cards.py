"""Commands for cards, run through a parser as the command line has."""

import numpy as np
import pytest
import xarray as xr
from made_up_cycles import NAMES, UNITS, truth
from made_up_noise import RTN, made_up_table

import frenkel
from frenkel.analysis.fitting import core_fit, noise_fit
from frenkel.analysis.fitting.observations import ObservationError
from frenkel.cells.card import Card
from frenkel.cells.core import GapCore
from frenkel.cli import main as cli
from frenkel.experiment.fit_card import protocol_of

pytest.importorskip("sklearn", reason="fitting needs the extra fit")


def run(*words):
    """Return the exit code of a command."""
    options = cli.parser(words[0]).parse_args([str(word) for word in words])
    return options.command(options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with two ensembles of the same law."""
    path = tmp_path_factory.mktemp("cards")
    for name, seed in (("one", 1), ("two", 2)):
        drawn = truth().sample(160, 40, seed)
        xr.Dataset(
            {
                n: (("device", "cycle"), drawn[n], {"units": unit})
                for n, unit in zip(NAMES, UNITS, strict=True)
            }
        ).to_netcdf(path / f"{name}.nc")
    return path


def test_fit_show_gate_export(folder, capsys):
    card = folder / "one.card.json"
    ramps = ("--set-ramp", "0.1 MV/s", "--reset-ramp", "0.1 MV/s", "--read-voltage", "0.1 V")
    assert run("fit", folder / "one.nc", "-o", card, "--bootstrap", 2, "--seed", 4, *ramps) == 0
    shown = capsys.readouterr().out
    assert "wrote" in shown and "no core for circuits: the data do not tell drive, voltage_scale" in shown
    made = Card.load(card)
    assert made.core == {} and any("currents at other voltages" in text for text in made.cannot_tell())
    assert made.gate and all(row["passed"] for row in made.gate)
    assert made.provenance["file"] == "one.nc" and made.provenance["devices"] == 112
    # No levels that devices share: values, chosen on splits of the 112.
    assert made.provenance["ranks"]["ranks"] is False and not made.features[0].ranks
    assert made.provenance["ranks"]["chosen_by"] == "splits of the training devices"
    assert run("validate", card, folder / "two.nc") == 0
    assert run("show", card) is None
    shown = capsys.readouterr().out
    assert "cycles of memory" in shown and "made for cycles 1 to 40" in shown
    assert run("validate", card, folder / "two.nc", "--plot", folder / "gate.png") == 0
    assert (folder / "gate.png").stat().st_size > 50000


@pytest.fixture(scope="module")
def noise(folder):
    """Return files of traces and of relaxation from a known law."""
    time = np.geomspace(1.0, 1e4, 4)
    start = np.full(100, 1e-5)
    shift = 0.1 * np.random.default_rng(1).standard_normal((100, 1)) - 0.01 * np.log(time)
    xr.Dataset(
        {
            "conductance": (("device", "time"), start[:, None] * np.exp(shift), {"units": "S"}),
            "start": ("device", start, {"units": "S"}),
        },
        {"time": ("time", time, {"units": "s"})},
    ).to_netcdf(folder / "relaxation.nc")
    xr.Dataset({"current": (("device", "sample"), np.ones((1, 1)))}).to_netcdf(folder / "rtn.nc")
    return folder


def test_noise_layers(noise, capsys, monkeypatch):
    """Fitted from files of their own, judged by held-out devices, shown, and sampled."""
    # Finding traps takes a second a trace, and is tested where it belongs.
    monkeypatch.setattr(noise_fit, "trap_table", lambda data: made_up_table(RTN, 120, 1))
    card = noise / "noisy.card.json"
    words = ("--relaxation", noise / "relaxation.nc", "--rtn", noise / "rtn.nc", "--rtn-voltage", "0.1 V")
    run(
        "fit",
        noise / "one.nc",
        "-o",
        card,
        "--bootstrap",
        2,
        "--held-out",
        0.4,
        "--device-ranks",
        "no",
        *words,
    )
    shown = capsys.readouterr().out
    assert "rtn hrs: times in the high state" in shown and "relaxation all: last time" in shown
    made = Card.load(card)
    assert made.provenance["noise"]["relaxation"] == {"file": "relaxation.nc", "devices": 100}
    assert made.provenance["ranks"] == {"ranks": False, "chosen_by": "hand"}
    assert made.validity["time"] == (1.0, 1e4) and "relaxation all location 2" in made.intervals
    run("show", card)
    assert "telegraph noise of hrs (1e-05 S): " in capsys.readouterr().out
    assert made.rtn(np.full(9, 1e-5), np.random.default_rng(0)).factor().shape == (9,)
    with pytest.raises(ValueError, match="--rtn needs the voltage of its traces"):
        run("fit", noise / "one.nc", "-o", card, "--force", "--rtn", noise / "rtn.nc", "--bootstrap", 0)


def test_gate_fails_for_other_devices(folder, tmp_path, capsys):
    """Devices with an HRS 1.6 times as large are refused, and the exit code says so."""
    from frenkel.analysis.fitting import card_schema

    card = card_schema.save(truth(), tmp_path / "a.json")
    with xr.open_dataset(folder / "two.nc") as data:
        other = data.assign(hrs=data["hrs"] * 1.6)
        other["hrs"].attrs["units"] = "ohm"
        other.to_netcdf(tmp_path / "b.nc")
    assert run("validate", card, tmp_path / "b.nc") == 1
    assert "FAILED" in capsys.readouterr().out


def test_core_from_the_protocol():
    """Ramps, read voltage, box: from the configuration that an ensemble records."""
    sweeps = [
        {"kind": "reset", "amplitude": "-1.8 V", "rate": "0.2 MV/s"},
        {"kind": "set", "amplitude": "2 V", "rate": "0.1 MV/s"},
    ]
    document = {
        "device": {"thickness": "4 nm", "width": "4 nm", "temperature": "320 K"},
        "phase": [{"kind": "cycle", "repeat": 3, "phase": sweeps}],
    }
    given = {"reset_ramp": 1e6, "drive": 15.0}
    made = {"file": "a.nc", "ensemble": {"configuration": {"points": [document]}}}
    box, known = protocol_of(made, given)
    assert box == {"voltage": (-1.8, 2.0), "temperature": (320.0, 320.0)}
    assert known == pytest.approx({"set_ramp": 1e5, "reset_ramp": 1e6, "read_voltage": 0.1, "drive": 15.0})
    assert protocol_of({"file": "a.csv"}, given) == ({}, given)
    with pytest.raises(ValueError, match="voltage_scale must be between 0.01 and 100 V, got 0.001"):
        protocol_of(made, given | {"voltage_scale": 1e-3})
    with pytest.raises(ValueError, match="number of a core must be one of set_ramp, .*, got 'dive'"):
        protocol_of(made, {"dive": 15.0})

    def core(more):
        return core_fit.of_numbers(protocol_of(made, given | more)[1], {})

    # What neither data nor the caller tells is not made up.
    assert core({}).numbers == {} and core({}).record == {"lacks": ["voltage_scale"]}
    assert core({"voltage_scale": 5.0}).record == {"drive": "given", "voltage_scale": "given"}
    before, after = (GapCore(**core({"voltage_scale": scale}).numbers) for scale in (0.3, 5.0))
    # Resistances at the read voltage keep their gaps.
    assert after.voltage_scale == 5.0 and after.gap([1e4, 1e6]) == pytest.approx(before.gap([1e4, 1e6]))


def test_fit_card_takes_a_dataset(folder):
    """A file and what is in it give the same card; it is that of the command line."""
    with xr.open_dataset(folder / "one.nc") as data:
        fitted = frenkel.fit_card(data.load(), bootstrap=0, ranks=False, seed=4)
    assert fitted.passed and fitted.card.name == "one" and len(fitted.held_out.values) == 48
    run(
        "fit",
        folder / "one.nc",
        "-o",
        folder / "same.json",
        "--bootstrap",
        0,
        "--device-ranks",
        "no",
        "--seed",
        4,
    )
    same = Card.load(folder / "same.json").to_dict() | {"checksum": None, "provenance": None}
    assert fitted.card.to_dict() | {"checksum": None, "provenance": None} == same
    with pytest.raises(ValueError, match="held_out must be above 0 and below 1, got 1"):
        frenkel.fit_card(data, held_out=1.0)
    with pytest.raises(ValueError, match="traces need the voltage at which they were read: rtn_voltage"):
        frenkel.fit_card(data, rtn=data)


@pytest.mark.parametrize(("option", "message"), [("--voltage-scale", "0.01"), ("--rtn-voltage", "-100")])
def test_voltages_out_of_range(folder, option, message):
    with pytest.raises(ValueError, match=message):
        run(
            "fit",
            folder / "one.nc",
            "-o",
            folder / "never.json",
            option,
            "1 mV" if "scale" in option else "1 kV",
        )


def test_output_must_be_json(folder):
    with pytest.raises(ValueError, match="must end in .json"):
        run("fit", folder / "one.nc", "-o", folder / "card.nc")


@pytest.mark.parametrize(
    ("devices", "cycles", "heading", "message"),
    [
        (1, 12, "hrs [ohm]", "needs at least 20 values of each feature, .* has 12 .1 of 1 devices."),
        (3, 1, "hrs [ohm]", "needs at least 20 values of each feature, .* has 3 .3 of 3 devices."),
        (30, 12, "hrs", "hrs has no units"),
        (30, 12, "lrs [ohm]", "lrs has no value in any cycle"),
    ],
)
def test_bad_tables(tmp_path, devices, cycles, heading, message):
    """Too few values, no units, a column without values: one sentence each."""
    random = np.random.default_rng(0)
    lines = [f"device,cycle,{heading}"]
    for device, cycle in np.ndindex(devices, cycles):
        value = "nan" if heading.startswith("lrs") else f"{1e5 * np.exp(random.standard_normal()):g}"
        lines.append(f"{device},{cycle},{value}")
    (tmp_path / "a.csv").write_text("\n".join(lines))
    with pytest.raises(ObservationError, match=message):
        run("fit", tmp_path / "a.csv", "-o", tmp_path / "a.json", "--bootstrap", 0)


HOSTILE = 'a"""\nimport os'


@pytest.mark.parametrize(
    ("change", "words", "message"),
    [
        (lambda d: d["hrs"].attrs.update(units=HOSTILE), (), "the units of hrs in .* must be one line"),
        (lambda d: d.attrs.update(provenance="3"), (), "is not that of an ensemble"),
        (lambda d: d.attrs.update(provenance="{"), (), "is not that of an ensemble"),
        (lambda d: d.attrs.update(provenance='{"configuration": {"points": [1]}}'), (), "list of sections"),
        (lambda d: d, ("--name", HOSTILE), "name of the card must be one line of 1 to 80 printable"),
    ],
)
def test_text_of_a_file_is_checked_before_the_fit(folder, tmp_path, change, words, message):
    """Units, names and provenance of a result go into the card: wrong ones are found before hours of work."""
    with xr.open_dataset(folder / "one.nc") as data:
        changed = data.load()
    change(changed)
    changed.to_netcdf(tmp_path / "a.nc")
    with pytest.raises(ValueError, match=message):
        run("fit", tmp_path / "a.nc", "-o", tmp_path / "a.json", *words)
    assert not (tmp_path / "a.json").exists()


@pytest.mark.parametrize("key", ["state", "material"])
def test_text_of_noise_is_checked(noise, tmp_path, key):
    with xr.open_dataset(noise / "relaxation.nc") as data:
        changed = data.load()
    if key == "state":
        changed["state"] = ("device", np.full(100, HOSTILE))
    else:
        changed.attrs[key] = HOSTILE
    changed.to_netcdf(tmp_path / "rest.nc")
    words = ("--relaxation", tmp_path / "rest.nc", "--bootstrap", 0, "--device-ranks", "no")
    with pytest.raises(ObservationError, match=rf"{key}.* must be one line of 1 to (40|255) printable"):
        run("fit", noise / "one.nc", "-o", tmp_path / "a.json", *words)


def test_a_column_of_a_table_has_a_plain_name(tmp_path):
    (tmp_path / "a.csv").write_text("device,cycle,hr's [ohm]\na,1,3\na,2,4\na,3,5\n")
    with pytest.raises(ObservationError, match="the name of a feature of .* must be one line"):
        run("fit", tmp_path / "a.csv", "-o", tmp_path / "a.json")

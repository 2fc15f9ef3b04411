"""Resistances at the terminals and of the device: a result that is exported and read as a measurement."""

import tomllib
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import frenkel as fk
from frenkel.analysis.fitting.observations import ObservationError
from frenkel.analysis.measured import files, loops
from frenkel.analysis.measured.dataset import LAYOUT
from frenkel.analysis.results import metrics, readout
from frenkel.calibration.rounds import Parameter, calibrate
from frenkel.calibration.target import target
from frenkel.cells.card import Card
from frenkel.configuration.device import parse
from frenkel.experiment import fit_card

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SERIES = 7.5e3


def resistor(volts, ohms, amplitude=1.0, series=0.0):
    """Return source voltage and current of a triangle on a resistor behind another."""
    up = np.linspace(0.0, amplitude, volts)
    source = np.concatenate([up, up[::-1][1:]])
    return source, source / (ohms + series)


def test_a_terminal_sees_what_is_in_series():
    source, current = resistor(100, 2e4, series=SERIES)
    assert readout.terminal_resistance(source, current, 0.1) == pytest.approx(2e4 + SERIES)
    assert readout.terminal_resistance(-source, -current, 0.1) == pytest.approx(2e4 + SERIES)
    assert np.isnan(readout.terminal_resistance(source[:100], current[:100], 0.1))
    changed = np.where(np.arange(len(source)) > 99, 2.0, 1.0) * current
    assert readout.terminal_resistance(source, changed, 0.1) == pytest.approx((2e4 + SERIES) / 2)


def cycled(family):
    """Return the configuration of an example with a cycle or two of RESET and SET."""
    document = tomllib.loads((EXAMPLES / f"{family}.toml").read_text(encoding="utf-8"))
    sweeps = {"form": [], "set": [], "reset": []}
    for phase in document.pop("phase"):
        for one in phase.get("phase", [phase]):
            sweeps.get(one["kind"], []).append(
                {key: value for key, value in one.items() if key not in ("name", "verify")}
            )
    first = sweeps["form"][:1] if sweeps["form"] else []
    pair = [sweeps["reset"][-1], sweeps["set"][len(sweeps["set"]) // 2]]
    if not first and family != "interfacial":
        pair = pair[::-1]  # metals SET first
    circuit = document.get("circuit", {}) | {"series_resistance": "2 kohm"}
    return parse(
        document
        | {"circuit": circuit, "phase": [*first, {"kind": "cycle", "repeat": 2, "phase": pair}]}
    )


@pytest.mark.parametrize("family", ["vcm", "ecm", "2d", "organic", "perovskite", "interfacial"])
def test_a_result_compared_with_itself_as_a_measurement_agrees(family, tmp_path):
    """Exported as a table and read: R within 1 %, V_SET and V_RESET within one sample, in every cycle.

    Filaments that stay whole (fcm) have pulses and no loops.
    """
    configuration = cycled(family)
    result = fk.run(configuration)
    columns = [result[name].values for name in ("source_voltage", "current")]
    swept = result["phase_cycle"].values[result["phase"].values] > 0
    table = np.stack(columns, axis=1)[swept]
    path = tmp_path / "exported.csv"
    np.savetxt(path, table, delimiter=",", header="source_voltage (V),current (A)", comments="")
    volts = float(result["read_voltage"])
    measured = files.read([path], kind="loops", how=loops.Readout(volts))
    simulated = metrics.cycle_summary(result)
    # A first SET from a state of ten times the HRS is a forming in a table: the RESET that follows it goes
    # with the second SET there.
    number = measured.sizes["cycle"]
    assert simulated.sizes["cycle"] == 2 and number >= 2 - (family == "ecm")
    resets, sets = simulated.isel(cycle=slice(0, number)), simulated.isel(cycle=slice(-number, None))
    step = np.abs(np.diff(table[:, 0])).max()
    for of, name in ((resets, "hrs_terminal"), (sets, "lrs_terminal")):
        ours, theirs = of[name].values, measured[name].values[0]
        ours = np.where(np.isfinite(ours), ours, np.nan)
        np.testing.assert_allclose(theirs, ours, rtol=0.01)
    assert np.isfinite(simulated["lrs_terminal"].values).all()
    for of, name in ((resets, "reset_voltage"), (sets, "set_voltage")):
        np.testing.assert_allclose(measured[name].values[0], of[name].values, atol=step)
    assert float(result["series_resistance"]) == 2e3 and np.isnan(float(measured["series_resistance"]))
    reads = {name: simulated[name].attrs["read"] for name in ("lrs", "lrs_terminal")}
    assert reads == {"lrs": readout.DEVICE_READ, "lrs_terminal": readout.TERMINAL_READ}


@pytest.mark.parametrize("series", [np.nan, SERIES])
def test_loops_give_both_resistances(series):
    """Behind 7.5 kohm: the terminals' always, the device's where what is in series is known."""
    low, high = 2e4, 2e5
    up = np.linspace(0.0, 1.0, 201)
    out = np.where(up < 0.7, high, low)
    volts = np.concatenate([up, up[::-1][1:], -up[1:], -up[::-1][1:]])
    ohms = np.concatenate([out, np.full(200, low), np.where(up < 0.6, low, high)[1:], np.full(200, high)])
    found = loops.features(volts, volts / (ohms + SERIES), loops.Readout(0.1, series=series))
    known = np.isfinite(series)
    assert found["lrs_terminal"] == pytest.approx(low + SERIES, rel=1e-6)
    assert found["hrs_terminal"] == pytest.approx(high + SERIES, rel=1e-6)
    assert found["lrs"] == pytest.approx(low + (0.0 if known else SERIES), rel=1e-3)
    assert found["hrs"] == pytest.approx(high + (0.0 if known else SERIES), rel=1e-3)
    assert found["on_off"] == pytest.approx(found["hrs"] / found["lrs"])


def swept(random, conductance, cycles=3):
    """Return source voltage and current of SETs and RESETs of a device behind 7.5 kohm."""
    up = np.linspace(0.0, 1.0, 101)
    volts, amperes = [], []
    for _ in range(cycles):
        low = np.exp(0.03 * random.standard_normal()) / conductance
        for sign, first, last, at in ((1.0, 20 * low, low, 0.6), (-1.0, low, 20 * low, 0.7)):
            ohms = np.concatenate([np.where(up < at, first, last), np.full(100, last)])
            volts.append(sign * np.concatenate([up, up[::-1][1:]]))
            amperes.append(volts[-1] / (ohms + SERIES))
    return np.array(volts), np.array(amperes)


def test_a_calibration_behind_a_series_resistance_holds_the_truth(tmp_path):
    """Loops of ten devices behind 7.5 kohm: the conductance that was planted, 180 uS, is in its interval.

    The table is read as that of a laboratory. Simulated devices stand behind 7.5 kohm too and give what
    ensembles store; compared by the resistance of the device, they would not come near.
    """
    planted, random, rows = 180e-6, np.random.default_rng(3), []
    for device, own in enumerate(planted * np.exp(0.05 * random.standard_normal(10))):
        volts, amperes = (column.ravel() for column in swept(random, own))
        rows += zip(np.full(volts.size, device), volts, amperes, strict=True)
    header = "device,voltage (V),current (A)"
    np.savetxt(tmp_path / "loops.csv", rows, delimiter=",", header=header, comments="")
    sweep = {"amplitude": "1 V", "rate": "1 MV/s"}
    cycle = [{"kind": "set"} | sweep, {"kind": "reset"} | sweep | {"amplitude": "-1 V"}]
    size = {"thickness": "2 nm", "width": "2 nm"}
    settings = parse({"device": size, "phase": [{"kind": "cycle", "repeat": 3, "phase": cycle}]})
    aim = target(tmp_path / "loops.csv", settings)
    assert aim.names[:2] == ("hrs_terminal", "lrs_terminal")

    def simulate(points, turn, less=0.0):
        numbers = np.empty((len(points), 32, 3, 1))
        for k, member in np.ndindex(len(points), 32):
            own = np.random.default_rng([turn, member])
            conductance = points[k]["conductance"] * np.exp(0.05 * own.standard_normal())
            curves = zip(*swept(own, conductance), strict=True)
            ohms = [readout.terminal_resistance(*curve, 0.1) for curve in curves][::2]
            numbers[k, member, :, 0] = np.log(np.array(ohms) - less)
        return numbers

    parameter = (Parameter("conductance", 100e-6, 300e-6),)
    lrs = aim.values[:, :, [aim.names.index("lrs_terminal")]]
    found = calibrate(simulate, lrs, ("lrs_terminal",), parameter, rounds=2)
    low, high = found.intervals["conductance"]
    assert low < planted < high and high - low < 0.2 * planted and found.p_value > 1e-3
    device = calibrate(partial(simulate, less=SERIES), lrs, ("lrs_terminal",), parameter, rounds=2)
    assert device.intervals["conductance"][0] == -np.inf  # at the end of the range


def test_cards_say_which_resistances_they_have(tmp_path):
    """At the terminals where the series resistance is not known; such loops judge no card of devices."""
    names = ("hrs", "lrs", "set_voltage", "reset_voltage")
    ones = {name: np.full((2, 2), -1.0 if name == "reset_voltage" else 1e5) for name in names}
    values = {"device": ["a", "b"], "cycle": [1, 2], "read_voltage": 0.1} | ones
    for name, series in (("known", SERIES), ("unknown", np.nan)):
        LAYOUT.dataset(values | {"series_resistance": series}, {}).to_netcdf(tmp_path / f"{name}.nc")
    made = [fit_card.read_cycles(tmp_path / f"{name}.nc")[1] for name in ("known", "unknown")]
    assert [one["resistances"] for one in made] == ["of the device", "at the terminals"]
    card = Card.load("hfo2")
    with pytest.raises(ObservationError, match="of the card are of the device, those of .* at the terminals"):
        fit_card.judge_card(card, tmp_path / "unknown.nc")

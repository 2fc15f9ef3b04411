"""What measured files give a calibration: the numbers that the protocol gives too, over as many cycles."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from frenkel.calibration import designs, result
from frenkel.calibration.rounds import Parameter
from frenkel.calibration.target import target
from frenkel.configuration.base import ConfigurationError
from frenkel.configuration.device import parse
from frenkel.data.measured.schema import LAYOUT

HRS = np.array([[1e5, 2e5, 3e5], [1e6, np.nan, 2e6]])
FORM = {"kind": "form", "amplitude": "4 V", "rate": "1 MV/s"}
RESET = {"kind": "reset", "amplitude": "-2 V", "rate": "1 MV/s"}


def configuration(*phases, repeat=2):
    cycle = {"kind": "cycle", "repeat": repeat, "phase": list(phases)}
    return parse(
        {"device": {"thickness": "2 nm", "width": "2 nm"}, "phase": [FORM, cycle] if phases else [FORM]}
    )


@pytest.fixture
def chip(tmp_path):
    """A file of two devices: HRS of three cycles, and the forming voltage of one of them."""
    numbers = {"hrs": HRS, "lrs": 0.1 * HRS, "forming_voltage": np.array([2.5, np.nan])}
    data = LAYOUT.dataset(
        {"device": ["a", "b"], "cycle": np.arange(1, 4), "read_voltage": 0.1, **numbers}, {}
    )
    data.to_netcdf(tmp_path / "chip.nc")
    return tmp_path / "chip.nc"


def test_numbers_that_both_have(chip):
    """A RESET and no SET: no LRS; two of three cycles; the forming once, in the first cycle."""
    found = target(chip, configuration(RESET))
    assert found.names == ("hrs_terminal", "forming_voltage") and found.values.shape == (2, 2, 2)
    np.testing.assert_allclose(found.values[:, :, 0], np.log(HRS[:, :2]))
    np.testing.assert_array_equal(found.values[:, :, 1], [[2.5, np.nan], [np.nan, np.nan]])


def test_devices_without_a_value_are_left_out(chip):
    assert target(chip, configuration()).values.shape == (1, 1, 1)


def test_another_read_voltage_is_refused(chip):
    asked = configuration(RESET).model_copy(update={"read_voltage": 0.3})
    with pytest.raises(ConfigurationError, match="resistances at 0.1 V, the configuration reads at 0.3 V"):
        target(chip, asked)


def test_nothing_in_common(chip):
    pulse = {"kind": "pulse", "amplitude": "1 V", "width": "1 us", "rise": "10 ns"}
    asked = parse({"device": {"thickness": "2 nm", "width": "2 nm"}, "phase": [pulse]})
    with pytest.raises(ConfigurationError, match="share none of hrs_terminal, lrs_terminal"):
        target(chip, asked)


SET = {"kind": "set", "amplitude": "2 V", "rate": "1 MV/s"}


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_device_measured_the_other_way_round_is_turned(tmp_path, sign):
    """All of its voltages or none, and the origin says so; resistances stay."""
    volts = np.array([[0.9, 1.1]])
    numbers = {"hrs": HRS[:1, :2], "set_voltage": sign * volts, "reset_voltage": -1.3 * sign * volts}
    data = LAYOUT.dataset({"device": ["a"], "cycle": [1, 2], "read_voltage": 0.1, **numbers}, {})
    data.to_netcdf(tmp_path / "chip.nc")
    found = target(tmp_path / "chip.nc", configuration(RESET, SET))
    assert found.origin == ("chip.nc" if sign > 0 else "chip.nc (its voltages turned round)")
    signed = {one.name: one.sign for one in found.features}
    assert (signed["set_voltage"], signed["reset_voltage"]) == (1, -1)
    np.testing.assert_allclose(found.values[0, :, found.names.index("set_voltage")], volts[0])
    np.testing.assert_allclose(found.values[0, :, found.names.index("reset_voltage")], 1.3 * volts[0])
    np.testing.assert_allclose(found.values[0, :, 0], np.log(HRS[0, :2]))


def test_resistances_of_devices_need_the_series_resistance(chip, tmp_path):
    """At the terminals unless it is known; a file that knows it may be compared either way."""
    with pytest.raises(ConfigurationError, match="hrs and lrs of its devices need the series resistance"):
        target(chip, configuration(RESET), ("hrs",))
    values = {"device": ["a"], "cycle": [1, 2, 3], "read_voltage": 0.1, "hrs": HRS[:1]}
    known = LAYOUT.dataset(values | {"series_resistance": 7.5e3}, {})
    known.to_netcdf(tmp_path / "known.nc")
    found = target(tmp_path / "known.nc", configuration(RESET), ("hrs",))
    np.testing.assert_allclose(found.values[0, :, 0], np.log(HRS[0, :2]))
    found = target(tmp_path / "known.nc", configuration(RESET))
    assert found.names == ("hrs_terminal",)
    np.testing.assert_allclose(found.values[0, :, 0], np.log(HRS[0, :2] + 7.5e3))


def test_another_rule_for_v_set_is_refused(tmp_path):
    numbers = {"set_voltage": np.array([[0.9, 1.1]])}
    data = LAYOUT.dataset({"device": ["a"], "cycle": [1, 2], "read_voltage": 0.1, **numbers}, {})
    data["set_voltage"].attrs["rule"] = "limit"
    data.to_netcdf(tmp_path / "chip.nc")
    with pytest.raises(ConfigurationError, match="rule 'limit', that of simulated devices is 'half rise'"):
        target(tmp_path / "chip.nc", configuration(RESET, SET))


def test_a_point_is_the_configuration_with_its_values_from_member_0():
    start = configuration({"kind": "constant", "voltage": "0.1 V", "duration": "1 ns", "samples": 2})
    document = start.document() | {"seed": 3, "member": 4}
    design = SimpleNamespace(configuration=parse(document, "here"))
    point = designs.Designs.point(design, {"vacancy.migration_barrier": 0.75})
    assert (point.member, point.seed) == (0, 3)
    plain, changed = start.made_of(Path()), point.made_of(Path())
    assert changed.vacancy.migration_barrier == pytest.approx(0.75) != plain.vacancy.migration_barrier
    assert changed.exchange == plain.exchange and point.device == start.device


def test_the_dataset_of_a_calibration_holds_its_numbers(tmp_path):
    """Of two parameters, three statistics, two designs and two draws: each under its name and dimension."""
    names = ("vacancy.migration_barrier", "exchange.barrier")
    (tmp_path / "chip.nc").write_bytes(b"")
    parameters = Parameter(names[0], 0.5, 0.9, True), Parameter(names[1], 1.0, 2.0)
    numbers = np.arange(24.0)
    found = SimpleNamespace(
        parameters=parameters, best=dict(zip(names, (0.7, 1.5), strict=True)),
        intervals=dict(zip(names, ((0.6, 0.8), (1.2, np.inf)), strict=True)), statistics=("a", "b", "c"),
        draws=numbers[:4].reshape(2, 2), kept=numbers[:5] / 10, designs=numbers[4:8].reshape(2, 2),
        shown=numbers[8:14].reshape(2, 3), target=numbers[14:17], fitted=numbers[17:20],
        errors=numbers[20:23], misfit=2.5, freedom=1, p_value=0.11, members=40, effective=800.0,
    )  # fmt: skip
    made = result.Made(
        configuration=configuration(), folder=tmp_path, measured=tmp_path / "chip.nc", target=None
    )
    data = result.dataset(found, made)
    for name, values in {
        "low": [0.5, 1.0], "high": [0.9, 2.0], "logarithmic": [1, 0], "best": [0.7, 1.5],
        "interval": [[0.6, 0.8], [1.2, np.inf]], "draw": found.draws, "kept": found.kept,
        "design": found.designs, "shown": found.shown, "target": found.target, "fitted": found.fitted,
        "error": found.errors,
    }.items():  # fmt: skip
        np.testing.assert_array_equal(data[name].values, values, err_msg=name)
    assert data["unit"].values.tolist() == ["eV", "eV"]
    assert set(data.coords) == {"parameter", "statistic", "term"} and set(data.data_vars) >= {"unit", "draw"}
    assert data["shown"].dims == ("point", "statistic") and data["statistic"].values.tolist() == [
        "a",
        "b",
        "c",
    ]
    assert data["term"].values.tolist() == [*names, f"{names[0]} {names[0]}", f"{names[0]} {names[1]}",
                                            f"{names[1]} {names[1]}"]  # fmt: skip
    attrs = data.attrs
    assert [attrs[name] for name in ("misfit", "freedom", "p_value", "members", "effective_draws")] == [
        2.5, 1, 0.11, 40, 800.0
    ]  # fmt: skip

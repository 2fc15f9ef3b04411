"""The physical model: its file, its expansion into a jump law, and the fit to devices of a known model."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from frenkel.analysis.fitting import physical_fit
from frenkel.analysis.fitting.observations import ObservationError
from frenkel.analysis.statistics.comparison import Comparison
from frenkel.cells.physical import PARAMETERS, PhysicalError, PhysicalModel
from frenkel.cli import main
from frenkel.experiment import fit_physical
from frenkel.reports.physical import describe

VALUES = (
    *(2e15, 1.75, 0.4, 0.03, 1.5e7, 1.9, 3.0, 0.8, 1.9, 0.4, 1.6, 1.3),
    *(2e6, 0.22, 2.5e-5, -15.2, 0.6, -9.8, 0.15, 0.06, 0.4, 0.6, 0.6, 0.9, 0.4),
)
VOLTS = (-1.8, -1.25, -1.0, -0.7, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6, 0.85, 1.25, 1.8)
DEVICES = 12


@pytest.fixture(scope="module")
def model():
    values = dict(zip(PARAMETERS, VALUES, strict=True))
    return PhysicalModel(
        name="planted",
        values=values,
        intervals={},
        voltages=VOLTS,
        temperatures=(300.0, 358.0),
        read_voltage=0.1,
    )


@pytest.fixture(scope="module")
def ensemble(model):
    """States and jumps that an ensemble of devices of the model would have measured."""
    law = model.jump_law
    ends, jumps = np.flatnonzero(law.kind >= 0), np.arange(len(law.before))
    order, before, after, state_counts, jump_counts = [], [], [], [], []
    for device in range(DEVICES):
        own, mine = ends[device::DEVICES], jumps[device::DEVICES]
        order += [own, law.before[mine], law.after[mine]]
        before.append(len(own) + np.arange(len(mine)))
        after.append(len(own) + len(mine) + np.arange(len(mine)))
        state_counts.append(len(own) + 2 * len(mine))
        jump_counts.append(len(mine))
    states = np.concatenate(order)
    volts = np.concatenate([law.jump_voltage[device::DEVICES] for device in range(DEVICES)])
    return xr.Dataset(
        {
            "state_count": ("member", state_counts),
            "jump_count": ("member", jump_counts),
            "state_level": ("state", law.level[states]),
            "state_rate": (("state", "heat", "bias"), law.rate[states]),
            "state_current": (("state", "bias"), law.current[states]),
            "state_kind": ("state", law.kind[states]),
            "jump_from": ("jump", np.concatenate(before)),
            "jump_to": ("jump", np.concatenate(after)),
            "jump_voltage": ("jump", volts),
            "read_voltage": ((), 0.1),
        },
        coords={"bias": list(VOLTS), "heat": [300.0, 358.0]},
    )


def test_fit_recovers_a_known_model(model, ensemble):
    fitted = physical_fit.fit(ensemble, np.arange(DEVICES), "again", seed=3, bootstrap=2)
    error = {name: fitted.values[name] - model.values[name] for name in PARAMETERS}
    for name in ("generation_energy", "migration_energy", "set_lever_gap", "reset_lever_filament"):
        assert abs(error[name]) < 0.05, (name, fitted.values[name])
    for name in ("relaxation_rate", "tunnel_voltage", "filament_conductance"):
        assert abs(error[name]) < 0.02 * model.values[name], (name, fitted.values[name])
    for name in ("set_step", "reset_step", "step_spread", "back"):
        assert abs(error[name]) < 0.15, (name, fitted.values[name])
    assert abs(error["hrs_level"]) < 0.1 and abs(error["barrier_spread"]) < 0.02
    low, high = fitted.intervals["generation_energy"]
    assert low <= fitted.values["generation_energy"] <= high


def test_the_current_at_the_read_voltage_is_that_of_the_level(model):
    levels = np.array([-16.0, -12.0, -9.8])
    assert model.current(levels, np.full(3, 0.1)) == pytest.approx(0.1 * np.exp(levels), rel=1e-12)


def test_file_keeps_the_law(model, tmp_path):
    path = tmp_path / "planted.physical.json"
    path.write_text(json.dumps(model.to_dict()))
    again = PhysicalModel.load(path)
    assert np.array_equal(again.jump_law.rate, model.jump_law.rate)
    assert again.jump_cells(50, 1, state="lrs").conductance.min() > 1e-5
    assert path.stat().st_size < 8_000


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kind": "frenkel card"}, "no physical model"),
        ({"schema": "0.1.0"}, "schema"),
        ({"name": "other"}, "checksum"),
        ({"voltages": None}, "checksum"),
        ({"more": 1}, "keys"),
    ],
)
def test_changed_files_are_refused(model, change, sentence):
    with pytest.raises(PhysicalError, match=sentence):
        PhysicalModel.from_dict(model.to_dict() | change)


def test_numbers_out_of_range_are_refused(model):
    with pytest.raises(PhysicalError, match="generation_energy"):
        replace(model, values={**model.values, "generation_energy": -1.0})


def test_two_devices_are_needed(ensemble):
    with pytest.raises(ObservationError, match="two devices"):
        physical_fit.fit(ensemble, np.arange(1), "one", bootstrap=0)


def test_show_prints_units_and_intervals(model, tmp_path, capsys):
    path = tmp_path / "planted.physical.json"
    shown = replace(model, intervals={"generation_energy": (1.7, 1.8)})
    path.write_text(json.dumps(shown.to_dict()))
    assert main.main(["show", str(path)]) == 0
    text = capsys.readouterr().out
    assert text.strip() == describe(shown) and "1.75 eV    1.7 to 1.8" in text


def test_validate_judges_by_the_rows_of_a_fit(model, tmp_path, capsys, monkeypatch):
    path, data = tmp_path / "planted.physical.json", tmp_path / "other.nc"
    path.write_text(json.dumps(model.to_dict()))
    passing = Comparison.of("moved", [0.01], 0.02)
    asked = []
    monkeypatch.setattr(fit_physical, "_measured", lambda path: "data")
    monkeypatch.setattr(fit_physical.jump_fit, "finished", lambda data: np.arange(3))

    def judge(law, *rest, seed):
        asked.append((law, rest, seed))
        return [passing]

    monkeypatch.setattr(fit_physical.gate_jumps, "judge", judge)
    assert main.main(["validate", str(path), str(data), "--seed", "5"]) == 0
    (law, (judged, members), seed), *_ = asked
    assert np.array_equal(law.rate, model.jump_law.rate) and len(members) == 3
    assert (judged, seed) == ("data", 5)
    assert "moved" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["other.csv"], "needs an ensemble"),
        (["other.nc", "--power", "3"], "--power is for cards"),
    ],
)
def test_validate_refuses_what_a_physical_model_lacks(model, tmp_path, capsys, arguments, sentence):
    path = tmp_path / "planted.physical.json"
    path.write_text(json.dumps(model.to_dict()))
    assert main.main(["validate", str(path), *arguments]) > 0
    assert sentence in capsys.readouterr().err

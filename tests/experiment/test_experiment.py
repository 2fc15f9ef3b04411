"""From a configuration or a script to a dataset: reproducible, resumable, and what was asked for."""

import itertools

import earlier
import numpy as np
import pytest

import frenkel as fk
from frenkel import provenance
from frenkel.analysis.results import metrics
from frenkel.analysis.results.melting import of_result
from frenkel.configuration import device as configuration
from frenkel.configuration.base import ConfigurationError
from frenkel.data import schema, store
from frenkel.experiment import device as experiment
from frenkel.experiment import protocol
from frenkel.kinetic.fields.build import layered_greens

SMALL = {
    "title": "small",
    "seed": 5,
    "material": "HfO2-volatile",
    "device": {"thickness": "2.6 nm", "width": "1.56 nm"},
    "circuit": {"series_resistance": "2 kohm"},
    "phase": [
        {"kind": "form", "amplitude": "4 V", "rate": "0.1 MV/s", "compliance": "10 uA", "samples": 120},
        {"kind": "reset", "amplitude": "-1 V", "rate": "1 MV/s", "samples": 120},
    ],
}


def small(**changes):
    return configuration.parse(SMALL | changes)


@pytest.fixture(scope="module")
def run():
    return experiment.run(small())


def test_a_run_is_a_valid_dataset(run):
    schema.check(run)
    assert list(run["phase_kind"].values) == ["form", "reset"]
    assert run["source_voltage"].values.min() == pytest.approx(-1.0)
    assert run.attrs["material"] == "HfO2-volatile" and run.attrs["melting_point"] > 2000.0
    found = of_result(run)
    assert (run.attrs["time_above_melting"], run.attrs["share_above_melting"]) == (found.longest, found.share)


def test_a_run_moves_atoms(run):
    # Otherwise equality of two runs would say little.
    assert int(run["events"][-1]) > 20


def test_forming_turns_back_at_the_compliance():
    # A limit so low that the oxide as made reaches it, whatever the material's numbers are.
    made = experiment.run(small(phase=[SMALL["phase"][0] | {"compliance": "5 nA", "to_compliance": True}]))
    source, current = made["source_voltage"].values, made["current"].values
    turn = int(np.argmax(source))
    assert 0 < source[turn] < 3.0
    assert current[turn] == pytest.approx(5e-9, rel=1e-6)
    assert np.abs(current).max() <= 5e-9 * (1 + 1e-9)
    assert source[-1] == 0


def test_the_device_has_less_than_the_source():
    made = experiment.run(small(circuit={"series_resistance": "100 Mohm"}, phase=SMALL["phase"][1:]))
    drop = made["source_voltage"].values - made["device_voltage"].values
    np.testing.assert_allclose(drop, 1e8 * made["current"].values, rtol=1e-9, atol=1e-12)
    assert np.abs(drop).max() > 0.1


def test_snapshots_agree_with_the_counts(run):
    np.testing.assert_array_equal(run["snapshot_size"].values[[0, -1]], run["count"].values[[0, -1], 0])


def test_positions_follow_from_the_sites(run):
    nx, ny, nz = run["lattice_shape"].values
    x, _, z = np.unravel_index(run["defect_site"].values, (nx, ny, nz))
    np.testing.assert_allclose(run["defect_z"].values, (z + 1) * 0.26e-9)
    np.testing.assert_allclose(run["defect_x"].values, x * 0.26e-9)


def test_oxygen_is_conserved(run):
    vacancies, held = run["count"].sel(species="vacancy"), run["reservoir"].sel(electrode="top")
    assert len(np.unique((held - vacancies).values)) == 1


def test_one_seed_gives_one_result(run):
    assert experiment.first_difference(run, experiment.run(small())) is None
    assert experiment.first_difference(run, experiment.run(small(seed=6))) is not None
    assert experiment.first_difference(run, experiment.run(small(member=1))) is not None


def test_a_result_makes_itself_again(run, tmp_path):
    stored = store.load(store.save(run, tmp_path / "x.nc"))
    assert experiment.first_difference(stored, experiment.again(stored)) is None


def test_a_result_does_not_need_the_material_file(tmp_path):
    material = fk.Material.load("HfO2-volatile").with_values({"exchange.inventory": 77})
    path = tmp_path / "mine.toml"
    lines = [f'formula = "HfO2"\ndescription = "mine"\nmechanisms = {list(material.mechanisms)}']
    for section, keys in material.document().items():
        if isinstance(keys, dict):
            for key, leaf in keys.items():
                lines.append(f"[{section}.{key}]")
                lines += [f"{name} = {value!r}" for name, value in leaf.items()]
    path.write_text("\n".join(lines))
    made = experiment.run(small(material="mine.toml"), folder=tmp_path)
    assert int(made["reservoir"][0, 0]) == 77
    path.unlink()
    assert experiment.first_difference(made, experiment.again(made)) is None


def test_a_planted_difference_is_found(run):
    changed = run.copy(deep=True)
    changed["current"].values[17] = np.nextafter(changed["current"].values[17], 1)
    assert experiment.first_difference(run, changed).startswith("current at 17 is ")


def test_what_only_one_has_is_a_difference(run):
    less = run.drop_vars("peak_time")
    assert experiment.first_difference(less, run) == "peak_time is only in the second"
    assert experiment.first_difference(run, less) == "peak_time is only in the first"


def test_a_changed_configuration_is_not_made_again(run):
    text = run.attrs["provenance"].replace('"1.56e-09 m"', '"1.82e-09 m"')
    assert text != run.attrs["provenance"]
    with pytest.raises(provenance.ProvenanceError, match="changed after it was recorded"):
        experiment.again(run.assign_attrs(provenance=text))


class Killed(BaseException):
    """Stands for a kill: no handler of the package may catch it."""


@pytest.mark.parametrize("stop", [1, 2, 3, 4, 5])
def test_a_killed_run_resumes_bit_by_bit(run, tmp_path, monkeypatch, stop):
    checkpoint = tmp_path / "x.checkpoint"
    save, calls = store.save_checkpoint, itertools.count(1)

    def save_and_die(tree, path):
        save(tree, path)
        if next(calls) == stop:
            raise Killed

    monkeypatch.setattr(store, "save_checkpoint", save_and_die)
    with pytest.raises(Killed):
        experiment.run(small(), checkpoint=checkpoint, interval=0)
    monkeypatch.undo()
    resumed = experiment.run(small(), checkpoint=checkpoint, resume=True)
    assert experiment.first_difference(run, resumed) is None


def test_switching_voltages_are_those_of_the_curve():
    """Three filaments on a ramp that is read every 60 mV: what an instrument would read, to the bit."""
    # The set that a former result keeps: the packaged one may change.
    former = provenance.read(store.load(earlier.today() / "run.nc").attrs["provenance"])["configuration"]
    material = fk.Material(former["material_document"], "former").with_values(
        {"column.vacancy_fraction": 0.9}
    )
    for seed in range(2, 5):
        device = fk.Device(material, thickness=2.6e-9, width=1.56e-9, seed=seed)
        result = device.run(fk.Waveform.triangle(-0.6, rate=1e6, label="reset"), samples=21)
        found = metrics.phase_summary(result)
        assert float(found["peak_current"][0]) > np.abs(result["current"].values).max()
        samples = result["source_voltage"].values, result["current"].values
        turn = int(np.argmax(np.abs(samples[0])))
        peak = int(np.argmax(np.abs(samples[1][: turn + 1])))
        assert 0 < peak < turn and float(found["switching_voltage"][0]) == samples[0][peak]


def test_a_drawn_seed_is_kept_over_a_kill(tmp_path):
    checkpoint = tmp_path / "x.checkpoint"
    whole = experiment.run(small(seed=None), checkpoint=checkpoint, interval=0)
    resumed = experiment.run(small(seed=None), checkpoint=checkpoint, resume=True)
    assert experiment.first_difference(whole, resumed) is None


def test_a_checkpoint_of_another_configuration_is_refused(tmp_path):
    checkpoint = tmp_path / "x.checkpoint"
    experiment.run(small(), checkpoint=checkpoint, interval=0)
    with pytest.raises(ConfigurationError, match="belongs to another configuration"):
        experiment.run(small(seed=6), checkpoint=checkpoint, resume=True)


def test_verify_repeats_until_the_target(monkeypatch):
    # Reads, in the order asked for: two misses, then a hit.
    reads = iter([1e-9, 1e-9, 1e-5, 1e-5])
    monkeypatch.setattr(
        experiment.Device, "current", lambda self, voltage: next(reads) if voltage == 0.1 else 0.0
    )
    phase = SMALL["phase"][0] | {"amplitude": "0.2 V", "verify": {"resistance": "100 kohm", "attempts": 5}}
    made = experiment.run(small(phase=[phase]))
    assert list(made["phase_name"].values) == ["form", "form (attempt 2)", "form (attempt 3)"]
    assert list(made["phase_attempt"].values) == [1, 2, 3]


def test_verify_gives_up_after_its_attempts():
    phase = SMALL["phase"][0] | {"amplitude": "0.2 V", "verify": {"resistance": "1 ohm", "attempts": 2}}
    assert list(experiment.run(small(phase=[phase]))["phase_attempt"].values) == [1, 2]


@pytest.mark.parametrize(
    ("kind", "resistance", "met"),
    [("set", 9e3, True), ("set", 2e4, False), ("reset", 9e3, False), ("reset", 2e4, True)],
)
def test_targets_of_set_and_reset_are_opposite(kind, resistance, met):
    phase = SMALL["phase"][0] | {"kind": kind, "verify": {"resistance": "10 kohm", "attempts": 2}}
    parsed = small(phase=[phase]).phase[0]
    assert parsed.passes(resistance) is met
    assert [parsed.unmet(attempt, resistance) for attempt in (1, 2)] == [not met, False]


def test_a_hold_stays_at_the_voltage_reached():
    phase = SMALL["phase"][0] | {"hold": "1 us", "to_compliance": True}
    made = experiment.run(small(phase=[phase]))
    source, time = made["source_voltage"].values, made["time"].values
    top = source == source.max()
    assert np.ptp(time[top]) == pytest.approx(1e-6)


def test_every_kind_of_phase_runs():
    phases = [
        {"kind": "triangle", "amplitude": "0.3 V", "rate": "1 MV/s"},
        {"kind": "ramp", "stop": "0.2 V", "rate": "1 MV/s"},
        {"kind": "constant", "voltage": "0.2 V", "duration": "1 us"},
        {
            "kind": "pulse",
            "amplitude": "0.4 V",
            "width": "10 ns",
            "rise": "1 ns",
            "count": 3,
            "period": "20 ns",
        },
        {
            "kind": "pulse",
            "amplitude": "-0.4 V",
            "width": "10 ns",
            "rise": "1 ns",
            "circuit": {"transistor": "1 uA"},
        },
        {"kind": "points", "times": "0, 5, 10 ns", "voltages": "0, 0.5, 0 V", "name": "odd one"},
    ]
    made = experiment.run(small(phase=phases))
    schema.check(made)
    assert list(made["phase_kind"].values) == [phase["kind"] for phase in phases]
    assert made["phase_compliance"].values[4] == 1e-6
    np.testing.assert_allclose(
        np.diff(made["time"].values[[0, -1]]), 0.6e-6 + 0.2e-6 + 1e-6 + 60e-9 + 12e-9 + 10e-9
    )


def test_an_event_budget_ends_a_phase(run):
    from frenkel.kinetic.run import EventBudgetError

    needed = int(run["events"].values[run["phase"].values == 0][-1])
    experiment.run(small(phase=[SMALL["phase"][0] | {"budget": needed}]))
    with pytest.raises(EventBudgetError, match=r"events used up .* site"):
        experiment.run(small(phase=[SMALL["phase"][0] | {"budget": needed - 1}]))


def test_cutting_a_waveform_keeps_it():
    wave = fk.Waveform.train(1.0, 1e-8, 3e-8, 7, 1e-9)
    pieces = protocol.cut(wave, 173)
    assert sum(piece.duration for piece, _ in pieces) == pytest.approx(wave.duration, rel=1e-12)
    start = 0.0
    for piece, _ in pieces:
        for time in np.linspace(0, piece.duration, 5):
            whole = min(start + float(time), wave.duration)
            assert piece.voltage(float(time)) == pytest.approx(wave.voltage(whole), abs=1e-6)
        start += piece.duration


def _script():
    device = fk.Device(
        fk.Material.load("HfO2-volatile"),
        thickness=2.6e-9,
        width=1.56e-9,
        circuit=fk.Circuit(series_resistance=2e3, compliance=1e-5),
        seed=3,
    )
    first = device.run(fk.Waveform.triangle(2.0, rate=1e6, label="form"), samples=80)
    device.circuit = fk.Circuit(series_resistance=2e3)
    device.run(fk.Waveform.triangle(-0.5, rate=1e6), samples=80)
    return device, first


def test_a_script_gives_datasets(tmp_path):
    device, first = _script()
    assert list(first["phase_kind"].values) == ["form"]
    assert list(device.result["phase_name"].values) == ["form", "run 2"]
    assert device.current(0.1) == pytest.approx(0.1 * device.conductance)
    saved = store.load(device.save(tmp_path / "x.nc"))
    assert experiment.first_difference(saved, device.result) is None
    assert device.show(tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def test_what_a_script_did_is_made_again():
    device, _ = _script()
    assert experiment.first_difference(device.result, experiment.again(device.result)) is None


def _limited(width=None):
    device = fk.Device(
        "HfO2-volatile", thickness=2.6e-9, width=1.56e-9, circuit=fk.Circuit(compliance=5e-9), seed=3
    )
    wave = fk.Waveform.triangle(3.0, rate=1e6, fall_rate=1e8, label="form")
    if width:
        wave = fk.Waveform.pulse(3.0, width=width, rise=3e-6, fall=3e-8, label="form")
    return device, device.run(wave, to_compliance=True, samples=60)


def test_a_script_takes_text_with_units():
    kelvin = {"temperature": "350 K", "read_voltage": "50 mV"}
    text = fk.Device("HfO2-volatile", "1.56 nm", width="1560 pm", seed=1, **kelvin)
    material = fk.Material.load("HfO2-volatile")
    number = fk.Device(material, 1.56e-9, 1.56e-9, seed=1, temperature=350, read_voltage=0.05)
    assert text.asked == number.asked and text.read_voltage == 0.05 and text.temperature == 350
    for arguments, message in (
        (("5 um", "1 nm"), "thickness must be between 1e-10 and 1e-6 m"),
        (("5 V", "1 nm"), "thickness must be in m, such as '5 nm', got '5 V'"),
    ):
        with pytest.raises(ValueError, match=message):
            fk.Device("HfO2-volatile", *arguments)


def test_a_script_shows_how_far_it_is(capsys):
    device = fk.Device("HfO2-volatile", "1.56 nm", "1.56 nm", seed=1)
    with experiment.shown(True) as display:
        display.interval = 0.0
        device.run(fk.Waveform.ramp("0.1 V", "10 MV/s", label="up"), samples=5, progress=display)
    assert "100 % up, 0.10 V" in capsys.readouterr().err
    for quiet in (None, False):
        device.run(fk.Waveform.ramp("0.1 V", "10 MV/s"), samples=3, progress=quiet)
    device.run(fk.Waveform.ramp("0.1 V", "10 MV/s"), samples=3, progress=True)
    assert not capsys.readouterr().err  # too short for a line


def test_a_script_counts_cycles():
    circuit = fk.Circuit(compliance="10 uA", polarity="both")
    device = fk.Device("HfO2-volatile", "1.56 nm", "1.56 nm", seed=3, circuit=circuit)
    device.run(fk.Waveform.triangle("3 V", "10 MV/s", label="form"), samples=10)
    for cycle in (1, 2):
        for voltage, kind in (("-1 V", "reset"), ("1 V", "set")):
            device.run(fk.Waveform.triangle(voltage, "10 MV/s", label=kind), samples=10, cycle=cycle)
    result = device.result
    assert result["phase_name"].values.tolist() == ["form", "reset 1", "set 1", "reset 2", "set 2"]
    assert metrics.cycle_summary(result)["cycle"].values.tolist() == [1, 2]
    assert experiment.first_difference(result, fk.again(result)) is None
    for cycle, message in (
        (1, "must be 2 or 3 now"),
        (4, "must be 2 or 3 now"),
        (-1, "must be a whole number"),
    ):
        with pytest.raises(ValueError, match=f"cycle {message}"):
            device.run(fk.Waveform.ramp(0.1, 1e6), cycle=cycle)
    device.run(fk.Waveform.ramp("0.1 V", "1 MV/s"), samples=3)
    with pytest.raises(ValueError, match="cycle must be 3 now, or 0"):
        device.run(fk.Waveform.ramp("0.1 V", "1 MV/s"), cycle=2)


def test_a_script_turns_back_at_the_compliance_at_the_rate_of_the_way_down():
    device, made = _limited()
    source, time = made["source_voltage"].values, made["time"].values
    turn = int(np.argmax(source))
    assert list(made["phase_kind"].values) == ["form"]
    assert 0 < source[turn] < 3.0 and source[-1] == 0
    assert made["current"].values[turn] == pytest.approx(5e-9, rel=1e-6)
    assert time[turn] == pytest.approx(source[turn] / 1e6, rel=1e-9)
    assert time[-1] - time[turn] == pytest.approx(source[turn] / 1e8, rel=1e-9)
    assert experiment.first_difference(device.result, experiment.again(device.result)) is None


def test_a_plateau_is_held_at_the_voltage_reached():
    _, made = _limited(width=1e-7)
    source, time = made["source_voltage"].values, made["time"].values
    assert 0 < source.max() < 3.0
    assert np.ptp(time[source == source.max()]) == pytest.approx(1e-7)


@pytest.mark.parametrize(
    ("waveform", "circuit", "stop"),
    [
        (fk.Waveform.triangle(1.0, rate=1e6), fk.Circuit(), None),
        (fk.Waveform.triangle(1.0, rate=1e6), fk.Circuit(compliance=1e-6), lambda device, current: False),
        (fk.Waveform.ramp(1.0, rate=1e6), fk.Circuit(compliance=1e-6), None),
        (fk.Waveform.constant(1.0, 1e-6), fk.Circuit(compliance=1e-6), None),
        (fk.Waveform.constant(0.0, 1e-6), fk.Circuit(compliance=1e-6), None),
    ],
)
def test_what_cannot_turn_at_a_compliance_is_refused(waveform, circuit, stop):
    device = fk.Device("HfO2-volatile", thickness=2.6e-9, width=1.56e-9, circuit=circuit, seed=3)
    with pytest.raises(ValueError, match="to_compliance needs a"):
        device.run(waveform, to_compliance=True, stop=stop)


def test_what_was_done_by_hand_is_not_made_again():
    device, _ = _script()
    device.fire(0)
    device.run(fk.Waveform.triangle(0.1, rate=1e6), samples=10)
    with pytest.raises(ConfigurationError, match="cannot be made again: events were fired by hand"):
        experiment.again(device.result)


def test_a_device_that_did_nothing_has_no_result():
    device = fk.Device(fk.Material.load("HfO2-volatile"), thickness=2.6e-9, width=1.56e-9, seed=3)
    with pytest.raises(ValueError, match="nothing was run"):
        device.result  # noqa: B018


def test_more_than_the_memory_is_refused_before_it_is_taken():
    with pytest.raises(ConfigurationError, match=r"sites take about .* GB of memory"):
        experiment.run(small(device={"thickness": "1 um", "width": "1 um"}))


LOWER = {"thickness": "1.04 nm"}


@pytest.mark.parametrize(("changes", "tables"), [
    ({}, 1),
    ({"layer": [LOWER, LOWER]}, 1),
    ({"layer": [LOWER | {"material": {"electrostatics": {"permittivity": 8}}}, LOWER]}, 2),
    ({"layer": [LOWER | {"material": "TaOx"}, LOWER]}, 3),
    ({"thermal": {"transient": True}}, 13),
])
def test_the_memory_counts_every_table(changes, tables):
    """Of the fields of layers, and of heat in time; the tables that a device has are as many."""
    device = {"width": "1.56 nm", "layer": changes["layer"]} if "layer" in changes else (
        {"width": "1.56 nm", "thickness": "2.08 nm"}
    )
    others = {key: value for key, value in changes.items() if key != "layer"}
    parsed = small(material="HfO2-fast", device=device, **others)
    lattice, each = 400 * 6 * 6 * 8, 8 * 8**2
    expected = lattice + each * (2 * 6 * 6 + tables * 4 * 4)
    assert experiment.memory(parsed, parsed.made_of()) == pytest.approx(expected)
    made = experiment.build(parsed)
    greens = layered_greens(made.stack, made.shape, made.lateral)
    assert len({id(green) for green in greens}) == (tables if tables <= 3 else 1)


def test_columns_with_a_contact_have_no_table():
    parsed = small(material="PCMO", device={"thickness": "2 nm", "width": "2 nm"})
    nx, ny, nz = experiment.build(parsed).shape
    assert experiment.memory(parsed, parsed.made_of()) == 400 * nx * ny * nz

"""`form`, `reset` and `set` of a device are runs of triangles in its circuit, bit by bit."""

import warnings
from pathlib import Path

import pytest

import frenkel as fk
from frenkel.analysis.plots.caption import caption
from frenkel.configuration.phases import Sweep
from frenkel.experiment.device import first_difference
from frenkel.experiment.steps import Running, Steps

QUICK = {"samples": 20}
BARE = {"series_resistance": "2 kohm"}


def cell(**circuit):
    return fk.Device("HfO2-volatile", "1.56 nm", "1.56 nm", seed=3, circuit=fk.Circuit(**BARE, **circuit))


def by_steps():
    device = cell()
    device.form("5 V", compliance="10 uA", to_compliance=True, verify="1 kohm", attempts=2, **QUICK)
    for cycle in (1, 2):
        device.reset("-1.5 V", fall_rate="1 MV/s", hold="1 us", cycle=cycle, **QUICK)
        device.set("2 V", compliance=1e-5, cycle=cycle, **QUICK)
    return device


@pytest.fixture(scope="module")
def made():
    return by_steps()


def test_steps_are_runs_of_triangles(made):
    device, triangle = cell(), fk.Waveform.triangle
    bare, limited = device.circuit, fk.Circuit(**BARE, compliance="10 uA", polarity="both")
    device.circuit = limited
    slowly = triangle("5 V", rate=100, fall_rate=1e7, label="form")
    device.run(slowly, to_compliance=True, verify="1 kohm", attempts=2, **QUICK)
    for cycle in (1, 2):
        device.circuit = bare
        device.run(triangle(-1.5, 1e5, hold=1e-6, fall_rate=1e6, label="reset"), cycle=cycle, **QUICK)
        device.circuit = limited
        device.run(triangle(2.0, 1e5, label="set"), cycle=cycle, **QUICK)
    assert first_difference(device.result, made.result) is None
    names = ["form", "form (attempt 2)", "reset 1", "set 1", "reset 2", "set 2"]
    assert made.result["phase_name"].values.tolist() == names


def test_a_limit_is_of_one_step(made):
    assert made.circuit == fk.Circuit(**BARE)
    limits = made.result["phase_compliance"].values.tolist()
    assert limits == pytest.approx([1e-5, 1e-5, float("nan"), 1e-5] + [float("nan"), 1e-5], nan_ok=True)
    assert first_difference(made.result, fk.again(made.result)) is None


def test_the_circuit_counts_where_nothing_else_is_said():
    device = cell(compliance="3 uA", transistor="40 uA")
    device.form("3 V", rate="1 MV/s", **QUICK)
    device.reset("-1 V", compliance="none", cycle=0, **QUICK)
    device.set("1 V", compliance="2 uA", cycle=0, **QUICK)
    shown = [phase["circuit"].get("compliance") for phase in device.document()["phase"]]
    assert shown == ["3e-06 A", None, "2e-06 A"]
    # As of a phase in a file: its own limit counts in both directions.
    assert [phase["circuit"]["polarity"] for phase in device.document()["phase"]] == ["positive"] * 2 + [
        "both"
    ]
    assert {phase["circuit"]["transistor"] for phase in device.document()["phase"]} == {"4e-05 A"}
    assert device.circuit.compliance == 3e-6 and device.circuit.polarity == "positive"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"compliance": "40"}, "compliance needs a unit of A, such as '20 uA', got '40'"),
        ({"compliance": "40 V"}, "compliance must be in A, such as '20 uA', got '40 V'"),
        ({"compliance": 40.0}, "compliance must be between 1e-15 and 1 A, got 40"),
        ({"rate": 0}, "rate must be more than 0 V/s, got 0"),
        ({"hold": 0}, "hold must be positive and finite (s), got 0"),
        ({"verify": "30 V"}, "Device.run: verify: resistance must be in ohm, such as '2 kohm', got '30 V'"),
        ({"to_compliance": True}, "to_compliance needs a circuit with compliance or transistor, and no stop"),
    ],
)
def test_bad_steps_leave_the_device_as_it_was(options, message):
    device = cell()
    with pytest.raises(ValueError) as caught:
        device.form("1 V", **options)
    assert str(caught.value) == message
    assert device.circuit == fk.Circuit(**BARE) and not device.logs and device.time == 0.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"compliance": "40 uA"},
            "compliance is of the circuit of a device: circuit=Circuit(compliance=...)",
        ),
        ({"sead": 1}, "Device takes no sead (did you mean 'seed'?); there are: circuit, seed, member, "),
        (
            {"circuit": "6 kohm"},
            "circuit must be a Circuit, such as Circuit(series_resistance='6 kohm'), got",
        ),
    ],
)
def test_a_device_says_where_an_option_belongs(options, message):
    with pytest.raises(TypeError) as caught:
        fk.Device("HfO2-volatile", "1.56 nm", "1.56 nm", **options)
    assert str(caught.value).startswith(message)


def test_run_says_what_it_takes():
    with pytest.raises(TypeError) as caught:
        fk.run("pulses.toml")
    assert str(caught.value) == (
        "run takes the configuration of a device, such as frenkel.read_configuration('switching.toml'), got "
        "'pulses.toml'"
    )


def test_a_step_says_what_it_takes():
    for name, start in (("current", "form takes no current; there are: compliance, rate, fall_rate, hold"),
                        ("rates", "form takes no rates (did you mean 'rate'?); there are: ")):  # fmt: skip
        with pytest.raises(TypeError) as caught:
            cell().form("1 V", **{name: "40 uA"})
        assert str(caught.value).startswith(start)
    for name in ("form", "reset", "set"):
        with pytest.raises(TypeError) as caught:
            getattr(cell(), name)("4 V", "30 uA", 3)
        start = f"{name} takes amplitude and compliance in this order and the rest by name, got 3 as a third"
        assert str(caught.value).startswith(f"{start}; there are: rate, ")


def test_a_current_without_a_limit_is_told():
    device = fk.Device("HfO2-volatile", "1.56 nm", "1.56 nm", seed=3)
    with pytest.warns(UserWarning, match="nothing limits the current of this set, and a filament may grow"):
        device.set("0.1 V", rate="1 MV/s", **QUICK)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        device.reset("-0.1 V", rate="1 MV/s", **QUICK)
        device.form("0.1 V", rate="1 MV/s", compliance="10 uA", **QUICK)


def test_the_limit_may_follow_the_amplitude_without_its_name():
    named, short = cell(), cell()
    named.form("5 V", compliance="10 uA", rate="1 MV/s", **QUICK)
    short.form("5 V", "10 uA", rate="1 MV/s", **QUICK)
    assert first_difference(named.result, short.result) is None
    with pytest.raises(ValueError, match="compliance must be in A, such as '20 uA', got '1 MV/s'"):
        short.form("5 V", "1 MV/s")


def test_a_sweep_that_does_nothing_at_the_wrong_sign_is_told_of():
    device = cell()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        device.form("5 V", "10 uA", **QUICK)
    with pytest.warns(UserWarning, match=r"reset 1 at \+1.5 V did not open the device \(") as caught:
        device.reset("1.5 V", "20 uA", **QUICK)
    assert caught[0].filename == __file__
    sentence = str(caught[0].message)
    assert sentence.endswith(" before): form had the same sign, and most materials want -1.5 V here")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        device.reset("-1.5 V", **QUICK)
    with pytest.warns(UserWarning, match=r"set 2 at -2 V did not close .*form had the other .* want \+2 V"):
        device.set("-2 V", "10 uA", **QUICK)
    assert f"R{sentence[1:]} (1 more like it)." in caption(device.result, [0], width=10_000)


def test_steps_take_what_run_takes():
    """All but the waveform, which they make, and its label, which says what they are."""
    import inspect

    taken = set(inspect.signature(fk.Device.run).parameters) - {"self", "waveform", "label"}
    assert set(Running.__annotations__) == taken
    # The words of a phase in a file.
    fields = set(Sweep.model_fields)
    for step in (Steps.form, Steps.reset, Steps.set):
        words = set(inspect.signature(step).parameters) - {"self", "more", "options"}
        assert words == {"amplitude", "compliance", "rate", "fall_rate", "hold"} and words <= fields


def test_the_defaults_are_what_the_docstrings_say():
    text = Path(fk.Device.form.__code__.co_filename).read_text(encoding="utf-8")
    assert "100 V/s and 10 MV/s" in fk.Device.form.__doc__ and 'FALL_RATE = "100 V/s", "10 MV/s"' in text
    assert "0.1 MV/s" in fk.Device.set.__doc__ and 'CYCLE_RATE = "0.1 MV/s"' in text


def test_without_a_width_a_device_is_as_wide_as_thick():
    made, asked = (fk.Device("HfO2-volatile", "1.56 nm", *width, seed=3) for width in ((), ("1.56 nm",)))
    assert made.shape == asked.shape and made.asked == asked.asked


def test_resets_and_sets_are_counted_as_in_a_file():
    """A RESET and the SET next to it are a cycle; given cycles go on; what has a name gets a number."""
    device, low = cell(), "0.1 V"
    device.form(low, compliance="10 uA", rate="1 MV/s", **QUICK)
    device.form(low, compliance="10 uA", rate="1 MV/s", **QUICK)
    for _ in range(2):
        device.reset("-0.1 V", rate="1 MV/s", **QUICK)
        device.set(low, compliance="10 uA", rate="1 MV/s", **QUICK)
    device.set(low, compliance="10 uA", rate="1 MV/s", **QUICK)
    device.set(low, compliance="10 uA", rate="1 MV/s", cycle=3, **QUICK)
    names = ["form", "form (2)", "reset 1", "set 1", "reset 2", "set 2", "set 3", "set (2) 3"]
    assert [log.name for log in device.logs] == names
    assert [log.cycle for log in device.logs] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert [log.kind for log in device.logs] == ["form"] * 2 + ["reset", "set"] * 2 + ["set"] * 2
    result = device.result
    assert first_difference(result, fk.again(result)) is None
    assert result.frenkel.cycles()["cycle"].values.tolist() == [1, 2]
    with pytest.raises(KeyError, match="4 phases are 'set': set 1 .number 3., set 2 .number 5., set 3"):
        result.frenkel.iv("set")
    with pytest.raises(KeyError, match="no phase 'sat'"):
        result.frenkel.iv("sat")
    first = result.isel(phases=slice(0, 4)).isel(sample=result["phase"].values < 4)
    assert first.frenkel.iv("set").equals(first.frenkel.iv("set 1"))

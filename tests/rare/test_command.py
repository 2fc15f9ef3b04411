"""``frenkel tails``: the same numbers on any number of workers, gone on with, and faults in one sentence."""

from pathlib import Path

import numpy as np
import pytest

from frenkel.cli.main import main
from frenkel.rare import events, farm
from frenkel.reports.tails import below, describe

TINY = Path(__file__).with_name("pulse.toml").read_text(encoding="utf-8")
FEW = ["--particles", "8", "--kill", "2", "--repeats", "3", "-q"]


@pytest.fixture
def tiny(tmp_path):
    (tmp_path / "tiny.toml").write_text(TINY)
    return tmp_path


def ask(folder, *options, event="read disturbs", output="out.nc"):
    """Return the exit status of the command."""
    return main(["tails", str(folder / "tiny.toml"), "--event", event, "-o", str(folder / output), *options])


def test_repeats_are_the_same_on_any_number_of_workers(tiny, capsys):
    code = ask(tiny, *FEW, "--at", "1.5", "--engine", "serial", "--no-isolation")
    assert code == 0 and "read disturbs: the conductance meets the edge" in capsys.readouterr().out
    assert ask(tiny, *FEW, "--at", "1.5", "--engine", "pool", "--workers", "2", output="pool.nc") == 0
    one, other = farm.load(tiny / "out.nc"), farm.load(tiny / "pool.nc")
    for name in farm.Tails.columns:
        np.testing.assert_array_equal(one[name].values, other[name].values)
    assert one["killed"].sum() > 0 and len(set(one["probability"].values)) > 1
    # More repeats go on with what is there.
    capsys.readouterr()
    more = [*FEW, "--repeats", "4", "--at", "1.5", "--engine", "serial", "--no-isolation"]
    assert ask(tiny, *more, "--below", "0.999") == 2  # another floor is another question
    assert "another configuration" in capsys.readouterr().err
    assert ask(tiny, *more) == 0
    assert farm.load(tiny / "out.nc").sizes["repeat"] == 4
    assert (farm.load(tiny / "out.nc")["start_conductance"] > 0.0).all()
    np.testing.assert_array_equal(farm.load(tiny / "out.nc")["probability"][:3], one["probability"])


def test_verdicts():
    from frenkel.rare.splitting import together

    found = together(np.tile([0.9e-6, 1.1e-6], 4), np.full(8, 1e-14), np.full(8, 30.0))
    assert [below(found, bound) for bound in (1e-5, 1e-7, 1e-6)] == [True, False, None]


@pytest.mark.parametrize(("options", "words"), [
    (["--at", "1"], "share must be below 1 (fallen to) or above 1 (risen to), got 1"),
    (["--at", "much"], "--at must be a resistance or a fraction of the conductance"),
    (["--below", "2"], "--below must be above 0 and below 1, got 2"),
    (["--particles", "1"], "particles must be a whole number of at least 2, got 1"),
    (["--starts", "200"], "starts must be a whole number between 1 and 100, got 200"),
])
def test_bad_options_are_named(tiny, capsys, options, words):
    assert ask(tiny, *options) == 2
    assert words in capsys.readouterr().err


def test_a_missing_seed_and_a_wrong_side_are_named(tiny, capsys):
    assert ask(tiny, "--at", "2", event="state is lost") == 2
    assert "share must be below 1 for 'state is lost', got 2" in capsys.readouterr().err
    (tiny / "tiny.toml").write_text(TINY.replace("seed = 3", ""))
    assert ask(tiny, "--at", "2") == 2
    assert "tails needs a seed: give --seed or seed in the file" in capsys.readouterr().err


def test_unknown_event_is_named(tiny, capsys):
    assert ask(tiny, event="sets") == 2
    assert "no event 'sets'" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["20 kohm", "20000 ohm"])
def test_edges(text):
    assert events.at(text) == {"conductance": pytest.approx(5e-5)}
    assert events.at("0.5") == {"share": 0.5}


def test_whole_waveform_of_a_sweep():
    from frenkel.configuration import device as config
    from frenkel.rare.members import whole_waveform

    parsed = config.parse({"device": {"thickness": "2 nm", "width": "2 nm"}, "phase": [
        {"kind": "set", "amplitude": "2 V", "rate": "1 MV/s", "hold": "1 us", "fall_rate": "2 MV/s"}]})
    wave = whole_waveform(parsed.phase[0])
    assert wave.times == pytest.approx((0.0, 2e-6, 3e-6, 4e-6)) and wave.voltages == (0.0, 2.0, 2.0, 0.0)


def test_describe_names_what_is_not_sure(tiny, capsys):
    ask(tiny, *FEW, "--at", "1e6", "--engine", "serial", "--no-isolation")
    assert "3 repeats lost all their particles" in describe(farm.load(tiny / "out.nc"))


def test_sensitivity_of_the_last_phase(tiny, capsys):
    """A table of every mechanism with intervals; faults in one sentence."""
    command = ["sensitivity", str(tiny / "tiny.toml"), "-o", str(tiny / "s.nc"), "-q", "--engine", "serial"]
    assert main([*command, "--no-isolation", "--members", "5", "--at", "300 kohm"]) == 0
    out = capsys.readouterr().out
    assert "told by all that happens in one device" in out
    assert "vacancy hop, barrier +10 meV" in out and "oxygen exchange, frequency +10 %" in out
    found = farm.load(tiny / "s.nc", "sensitivity")
    spent = found["events"].values - found["weight"].values[:, 1]
    assert (spent > 0).all() and found.sizes["member"] == 5
    assert main([*command, "--at", "much"]) == 2 and "--at must be" in capsys.readouterr().err
    assert main([*command, "--at", "1 ohm", "--members", "2"]) == 2
    assert "members must be a whole number" in capsys.readouterr().err


def test_sensitivity_of_a_phase_is_that_of_a_file_which_ends_there(tiny, capsys):
    more = '[[phase]]\nname = "rest"\nkind = "constant"\nvoltage = "0 V"\nduration = "1 ps"\n'
    (tiny / "longer.toml").write_text(TINY + more)
    found = []
    for name, options in (("tiny", []), ("longer", ["--phase", "pulse"])):
        command = ["sensitivity", str(tiny / f"{name}.toml"), "-o", str(tiny / f"{name}.nc"), "-q", *options]
        few = ["--members", "3", "--at", "300 kohm", "--by", "vacancy.migration_barrier"]
        assert main([*command, *few, "--engine", "serial", "--no-isolation"]) == 0
        found.append(farm.load(tiny / f"{name}.nc", "sensitivity"))
    for name in ("final", "events", "varied"):
        np.testing.assert_array_equal(found[0][name], found[1][name])
    command = ["sensitivity", str(tiny / "tiny.toml"), "--at", "300 kohm", "-o", str(tiny / "x.nc")]
    assert main([*command, "--phase", "rest"]) == 2
    assert "no phase 'rest' outside of cycles; there is constant, pulse" in capsys.readouterr().err


def test_tails_beside_the_usual_extrapolation(tiny, capsys):
    """Three voltages of a disturb: a table and a picture; other files in one sentence."""
    files = []
    for volts in ("0.2 V", "0.4 V", "0.5 V"):
        files.append(str(tiny / f"{volts[:3]}.nc"))
        changes = ["--set", f"phase.1.amplitude={volts}", "--engine", "serial", "--no-isolation"]
        assert ask(tiny, *FEW, "--at", "1.2", *changes, output=f"{volts[:3]}.nc") == 0
    command = ["plot", "tails", *files, "-o", str(tiny / "parted.png")]
    assert main([*command, "--use", "0.2 V"]) == 0
    assert "decades per V" in capsys.readouterr().out and (tiny / "parted.png").stat().st_size > 10_000
    assert main([*command, "--use", "358 K", "--force"]) == 1
    assert "--use" in capsys.readouterr().err


def test_devices_that_read_as_they_should(tiny, capsys):
    """The repeats of the lower resistances, their mean alone; several devices a repeat are refused."""
    command = ["--at", "1.5", "--engine", "serial", "--no-isolation", "--particles", "8", "--kill", "2", "-q"]
    one = [*command, "--starts", "1", "--repeats", "4"]
    assert ask(tiny, *one) == 0
    found = farm.load(tiny / "out.nc")
    start = 1.0 / found["start_conductance"].values[:, 0]
    middle = float(np.median(start))
    kept = farm.verified(found, middle)
    np.testing.assert_array_equal(kept["probability"], found["probability"][start <= middle])
    assert kept.sizes["repeat"] == 2
    capsys.readouterr()
    assert ask(tiny, *one, "--verified", f"{middle} ohm") == 0
    assert "of 2 devices that read as they should" in capsys.readouterr().out
    assert ask(tiny, *one, "--verified", "1 ohm") == 1
    assert "--verified leaves 0 devices of at most 1 ohm" in capsys.readouterr().err
    assert ask(tiny, *one, "--verified", "much") == 2
    with pytest.raises(ValueError, match="--verified needs one device a repeat"):
        assert ask(tiny, *command, "--starts", "2", "--repeats", "2", output="two.nc") == 0
        farm.verified(farm.load(tiny / "two.nc"), 1e6)


def test_the_status_names_what_failed_without_points(tiny, capsys, monkeypatch):
    def fail(*_):
        raise ValueError("no such device")

    monkeypatch.setattr("frenkel.rare.sensitivity.prepared", fail)
    output = str(tiny / "s.nc")
    words = ["--at", "20 kohm", "--members", "3", "--engine", "serial", "--no-isolation", "-q", "-o", output]
    assert main(["sensitivity", str(tiny / "tiny.toml"), *words]) == 1
    capsys.readouterr()
    main(["status", output])
    line = "  member 0, 1 attempt: an error was raised: ValueError: no such device"
    assert line in capsys.readouterr().out


@pytest.mark.parametrize("command", [
    ["tails", "--event", "read disturbs", "--at", "1.5"], ["sensitivity", "--at", "50 kohm"]
])
@pytest.mark.parametrize(("changes", "words"), [
    (["thermal.transient=true"], "thermal.transient must be false for {}, which takes heat as steady"),
    (["phase.1.temperature={start='300 K', stop='310 K'}"],
     "temperature of the last phase must be one value here, got 300 to 310 K"),
])
def test_heat_in_time_and_ramps_of_temperature_are_refused_at_once(tiny, capsys, command, changes, words):
    name, *options = command
    sets = [word for text in changes for word in ("--set", text)]
    assert main([name, str(tiny / "tiny.toml"), "-o", str(tiny / "x.nc"), *options, *sets]) == 2
    assert words.format(name) in capsys.readouterr().err
    assert not (tiny / "x.nc.run").exists()

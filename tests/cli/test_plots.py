"""The pictures of relaxation, bakes, pulses, endurance and read disturb, from results and from tables.

Each test takes planted numbers: a wrong sign, column or share changes what is printed.
"""

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from scipy.stats import norm

from frenkel.analysis.plots import pulses as pulses_plot
from frenkel.analysis.plots import relaxation as relaxation_plot
from frenkel.analysis.reliability import pulses
from frenkel.cli.main import main
from frenkel.configuration import device as configuration
from frenkel.data import store
from frenkel.experiment import device as experiment
from frenkel.experiment import measurements
from frenkel.units import BOLTZMANN_EV


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def bakes(energy=1.3, kelvin=(450.0, 475.0, 500.0)):
    """Return a table of bakes whose times follow an activation energy exactly; the last device survives."""
    quantiles = np.exp([-0.9, -0.4, 0.0, 0.3, 0.8, 1.2])
    lines = ["temperature (K),time (s),failed (1)"]
    for t in kelvin:
        unit = 1e-11 * np.exp(energy / (BOLTZMANN_EV * t))
        lines += [f"{t},{float(unit * q)!r},{int(q < 3)}" for q in quantiles]
    return "\n".join(lines)


def test_the_energy_of_bakes_is_printed(folder, capsys):
    """Planted 1.3 eV comes back exactly, since all bakes have the same quantiles."""
    (folder / "bakes.csv").write_text(bakes())
    assert main(["plot", "retention", "bakes.csv", "-o", "b.png", "--use", "400 K"]) == 0
    out = capsys.readouterr().out
    assert "activation energy 1.3 eV" in out and "450 K        6       5" in out
    expected = 1e-11 * np.exp(1.3 / (BOLTZMANN_EV * 400))
    found = float(out.split("median at 400 K: ")[1].split(" s")[0])
    assert expected / 2 < found < 2 * expected  # the median of six quantiles around 1
    assert (folder / "b.png").stat().st_size > 20_000


def test_bakes_of_several_files_are_joined(folder, capsys):
    (folder / "a.csv").write_text(bakes(kelvin=(450.0,)))
    (folder / "b.csv").write_text(bakes(kelvin=(500.0, 450.0)))
    assert main(["plot", "retention", "a.csv", "b.csv"]) == 0
    assert "450 K       12      10" in capsys.readouterr().out


def test_a_bake_ends_where_the_state_is_lost(tmp_path):
    """A phase with to_share: the last conductance is the first at or below the share, long before the end."""
    document = {
        "material": "HfO2-retention", "seed": 4, "device": {"thickness": "2.5 nm", "width": "2.5 nm",
        "temperature": "525 K"}, "phase": [{"kind": "constant", "voltage": "0 V", "duration": "1e4 s",
        "first": "1 ms", "samples": 20, "to_share": 0.5}],
    }  # fmt: skip
    result = experiment.run(configuration.parse(document))
    g = result["conductance"].values / float(result["conductance"][0])
    assert g[-1] <= 0.5 < g[:-1].min() and float(result["time"][-1]) < 1e3
    store.save(result, tmp_path / "bake.nc")
    ((kelvin, (time, failed)),) = measurements.lifetimes(tmp_path / "bake.nc", 0.5).items()
    assert kelvin == 525.0 and failed[0] and time[0] == float(result["time"][-1])
    ((_, (time, failed)),) = measurements.lifetimes(tmp_path / "bake.nc", 0.01).items()
    assert not failed[0]


def test_relaxation_of_a_table(folder, capsys):
    """Sixteen devices that fall by 0.1 uS per e-fold: two levels by their first conductance."""
    time = np.geomspace(1, 1e5, 8)
    random = np.random.default_rng(1)
    start = np.repeat([10.0, 20.0], 8)
    g = start - 0.1 * np.log(time)[:, None] + 0.01 * random.standard_normal((8, 16))
    head = ",".join(["time (s)", *(f"g{k} (uS)" for k in range(16))])
    np.savetxt("r.csv", np.column_stack([time, g]), delimiter=",", header=head, comments="")
    assert main(["plot", "relaxation", "r.csv", "--levels", "2"]) == 0
    out = capsys.readouterr().out
    assert out.count("logarithm") == 2 and out.count("-100 nS per e-fold") + out.count("-99.") > 0
    assert (folder / "r-relaxation.png").exists()


def test_the_spread_over_devices_has_room_above():
    """It may be nearly the same at all times, and is drawn from 0 on."""
    time, spread = np.geomspace(1, 1e5, 6), np.array([3.0, 3.001, 3.0, 3.002, 3.001, 3.0])
    g = xr.DataArray(1e-6 * np.outer([-1.0, 0.0, 1.0], spread) + 5e-5, {"time": time}, ("device", "time"))
    axes = Figure().add_subplot()
    relaxation_plot.deviations({"level": g}, axes)
    assert axes.get_ylim() == pytest.approx((0.0, 1.05 * 3.002))


def test_a_straight_way_down_has_no_label_of_minus_zero():
    axes = Figure().add_subplot()
    straight = pulses_plot.ways([(1, np.arange(1.0, 12)), (-1, np.arange(11.0, 0, -1))])
    pulses_plot.straightness(straight, axes)
    labels = axes.get_legend_handles_labels()[1]
    assert labels == ["potentiation: label 0.00, 10 states", "depression: label 0.00, 10 states"]


def test_pulses_and_reads_of_tables(folder, capsys):
    up, down = 10 + np.arange(1, 12), 21 - np.arange(1, 11)
    lines = ["voltage (V),conductance (uS)", "0,10", *(f"1,{g}" for g in up), *(f"-1,{g}" for g in down)]
    (folder / "p.csv").write_text("\n".join(lines))
    assert main(["plot", "pulses", "p.csv"]) == 0
    out = capsys.readouterr().out
    assert "positive      11   10 µS  21 µS     2.1                0.00" in out and "negative      10" in out
    (folder / "d.csv").write_text("reads (1),g1 (uS),g2 (uS)\n0,10,10\n10,10,11\n100,15,22\n")
    assert main(["plot", "disturb", "d.csv"]) == 0
    assert "all             2          1         100" in capsys.readouterr().out


def test_both_ways_are_drawn():
    """The train up has no read before its first pulse, hence one value less."""
    both = pulses_plot.ways([(1, np.arange(10.0)), (-1, np.arange(10.0, -1, -1)), (1, np.ones(11))])
    assert {name: curves.shape for name, curves in both.items()} == {
        "potentiation": (1, 10),
        "depression": (1, 11),
    }
    with pytest.raises(ValueError, match="no train of pulses changes the conductance"):
        pulses_plot.ways([(1, np.ones(11))])


def test_endurance_of_a_result(folder, result, capsys):
    store.save(result, folder / "cycles.nc")
    assert main(["plot", "endurance", "cycles.nc", "--window", "31"]) == 0
    assert (
        "3 of 3 cycles of 1 device(s) with on/off below 31, the first is cycle 1" in capsys.readouterr().out
    )


def test_disturbed_devices():
    g = [[1.0, 1.0, 2.0, 1.0], [1.0, 1.5, 1.9, 1.99]]
    when, failed = pulses.disturb([0, 10, 20, 30], g, 2.0)
    np.testing.assert_array_equal(when, [20, 30])
    np.testing.assert_array_equal(failed, [True, False])
    when, failed = pulses.disturb([0, 10, 20, 30], [[2.0, 1.0, 2.0, 2.0]], 0.5)
    assert when[0] == 10 and failed[0]


def test_survival_begins_with_all_devices():
    """Of reads as of bakes, also where a first group loses none."""
    reads, failed = np.array([10.0, 100.0, 100.0, 1000.0]), np.array([True, True, False, True])
    axes = Figure().add_subplot()
    relaxation_plot.survival({"a": (reads, np.zeros(4, bool)), "b": (reads, failed)}, axes)
    curves = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
    np.testing.assert_allclose(curves["b 3 of 4 failed"], [1.0, 0.75, 0.5, 0.0])
    assert [curve[0] for curve in curves.values()][:2] == [1.0, 1.0]


BAKE, DEVICES = "temperature (K),time (s),failed (1)\n", "time (s),g1 (uS),g2 (uS)\n"


@pytest.mark.parametrize(
    ("what", "text", "message"),
    [
        ("retention", BAKE + "450,-1,1\n450,2,1", "time of x.csv must be at least 0, got -1"),
        ("retention", BAKE + "450,,1\n450,2,1", "time of x.csv must be finite: line 1 of the numbers"),
        (
            "retention",
            BAKE.replace("(K)", "(C)") + "450,1,1",
            "unit of temperature in x.csv must be one of K",
        ),
        ("retention", "time (s),failed (1)\n1,1", "temperature (K) is missing"),
        ("relaxation", DEVICES + "-1,1,2\n1,1,2\n2,1,2", "time of x.csv must be at least 0, got -1"),
        ("relaxation", DEVICES + "1,1,2\n2,1,\n3,1,2", "1 of 6 values are missing"),
        ("relaxation", DEVICES + "1,1,2\n2,1,1\n3,1,2", "to one device or to at least 8, got 2"),
        ("pulses", "voltage (V),conductance (uS)\n0,1\n1,2", "no train of equal pulses"),
        ("endurance", "cycle (1),hrs (ohm),lrs (ohm)\n1,-5,1", "hrs and lrs must be above 0 ohm, got -5 ohm"),
        ("disturb", "reads (1),g1 (uS)\n-5,1\n1,1", "reads of x.csv must be at least 0, got -5"),
    ],
)
def test_bad_tables_end_in_one_sentence(what, text, message, folder, capsys):
    (folder / "x.csv").write_text(text)
    assert main(["plot", what, "x.csv"]) == 1
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not list(folder.glob("*.png"))


def test_probability_of_numbers_of_devices(folder, capsys):
    """Planted: median 2 V and sigma 0.3 by their exact quantiles; what is not a number is not a device."""
    volts = 2.0 * np.exp(0.3 * norm.ppf((np.arange(60) + 0.5) / 60))
    lines = ["voltage (V),conductance (uS)", *(f"{-v:.15g},{1e-3 * v:.15g}" for v in volts), "nan,1", "nan,1"]
    (folder / "t.csv").write_text("\n".join(lines))
    command = ["plot", "probability", "t.csv", "voltage", "--family", "lognormal", "--force", "-o", "p.png"]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert "median 2 (" in out and "sigma 0.29" in out and "60, 0 censored" in out
    assert (folder / "p.png").stat().st_size > 20_000
    assert main([*command, "--censored"]) == 0
    assert "62, 2 censored" in capsys.readouterr().out
    assert main(["plot", "probability", "t.csv", "hrs"]) == 1
    assert "t.csv has no column hrs; it has voltage, conductance" in capsys.readouterr().err
    (folder / "t.csv").write_text("voltage (V)\n1\n-1\n2")
    assert main(["plot", "probability", "t.csv", "voltage", "--force"]) == 1
    assert "voltage of t.csv must have values of one sign" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["retention", "bakes.csv", "--use", "85 F"], "--use must be in K"),
        (["retention", "bakes.csv", "--family", "normal"], "family must be one of lognormal, weibull"),
        (["retention", "bakes.csv", "-o", "x.doc"], "x.doc"),
        (["relaxation", "bakes.csv"], "a column in S for each device"),
    ],
)
def test_bad_options_end_in_one_sentence(words, message, folder, capsys):
    (folder / "bakes.csv").write_text(bakes())
    assert main(["plot", *words]) == 1
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("current", "message"),
    [
        (np.ones(400), "two levels at least, got one: 1e-09 A in every sample"),
        (np.where(np.arange(400) == 7, np.nan, 1.0), "1 of 400 samples are missing, the first is sample 7"),
    ],
)
def test_bad_traces_end_in_one_sentence(current, message, folder, capsys):
    """One level, and a field that is empty."""
    noise = 0.01 * np.random.default_rng(1).standard_normal(400) * (np.ptp(current) > 0)
    rows = [f"{k},{'' if np.isnan(y) else y}" for k, y in enumerate(current + noise)]
    (folder / "t.csv").write_text("\n".join(["time (ms),current (nA)", *rows]))
    assert main(["rtn", "t.csv"]) == 1
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1

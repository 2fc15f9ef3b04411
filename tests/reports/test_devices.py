"""Every number of the reports on devices, arrays, ensembles, sweeps and plans: value, unit, sign."""

import json
import os
import time
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from made_up_results import ATTRS
from printed import close, line, rows

from frenkel.analysis.results import metrics
from frenkel.configuration import device as configurations
from frenkel.data import netcdf
from frenkel.mpi_runs import model, shards
from frenkel.reports import array, device, ensemble, forecast, measured, plan, sweep, watch

RECORD = json.loads(ATTRS["provenance"])


# ---- one device ----


def test_a_result_says_its_sizes(result):
    text = device.describe(result.assign_attrs(material="HfO2-fast", material_hash="abc"))
    x, y, z = result["lattice_shape"].values
    spacing, series = float(result["lattice_spacing"]), float(result["series_resistance"])
    close(line(text, "lattice sites"), x, y, z, (spacing, "m"), (series, "ohm"))
    sizes = result.sizes
    close(line(text, "holds"), sizes["sample"], sizes["phases"], sizes["snapshot"], sizes["defect"])
    close(line(text, "from  ").partition(",")[2], RECORD["seed"], RECORD["member"])
    digits = json.dumps(RECORD | {"configuration_hash": "0123456789abcdef"})
    text = device.describe(result.assign_attrs(material="HfO2-fast", material_hash="abc", provenance=digits))
    assert line(text, "from  ").split()[:3] == ["from", "configuration", "0123456789ab,"]


def test_phases_say_what_was_measured(result):
    """From the samples of each phase: the largest current, the limit, the read, the hottest, the events."""
    table = rows(device.describe(result), "peak current")
    summary = metrics.phase_summary(result)
    assert len(table) == result.sizes["phases"] == 7
    before = np.zeros(2)
    for k, row in enumerate(table):
        own = result.isel(sample=result["phase"].values == k)
        peak, limit = np.abs(own["current"].values).max(), float(result["phase_compliance"][k])
        close(row["peak current"], (peak, "A"))
        if np.isfinite(limit):
            close(row["compliance"], (limit, "A"))
            close(row["overshoot"], (max(0, 100 * (peak / limit - 1)), "%"))
        else:
            assert row["compliance"] == row["overshoot"] == "-"
        ohms = float(result["read_voltage"]) / float(result["read_current"][k])
        close(row["resistance"], (ohms, "ohm"))
        close(row["highest T"], (own["temperature_max"].values.max(), "K"))
        last = np.array([own[name].values[-1] for name in ("events", "field_solves")])
        close(row["events"], last[0] - before[0])
        close(row["solves"], last[1] - before[1])
        before = last
        close(row["switches at"], (float(summary["switching_voltage"][k]), "V"))
    assert table[1]["switches at"].startswith("-") and not table[2]["switches at"].startswith("-")


def test_what_is_over_the_limit_is_in_per_cent(result):
    peak = result["peak_current"].copy()
    peak[0] = 1.0125 * float(result["phase_compliance"][0])
    row = rows(device.phase_table(result.assign(peak_current=peak)), "peak current")[0]
    close(row["overshoot"], (1.25, "%"))
    close(row["peak current"], (float(peak[0]), "A"))


def test_cycles_say_their_states(result):
    table = rows(device.describe(result), "on/off")
    read, kind = result["read_voltage"].values / result["read_current"].values, result["phase_kind"].values
    for k, row in enumerate(table):
        high, low = read[kind == "reset"][k], read[kind == "set"][k]
        close(row["cycle"], k + 1)
        close(row["on/off"], high / low)
        close(row["HRS"], (high, "ohm"))
        close(row["LRS"], (low, "ohm"))
    phases = rows(device.phase_table(result), "peak current")
    for head, places in (("RESET (largest current)", (1, 3, 5)), ("SET (half rise)", (2, 4, 6))):
        assert [row[head] for row in table] == [phases[place]["switches at"] for place in places]


def test_trains_of_pulses_say_their_ends_and_their_curve():
    """A concave rise has a label above 0, a fall below 0 where it is convex; a flat train has none."""
    rise, fall = (
        1e-5 * np.array([1.0, 1.9, 2.4, 2.7, 2.9, 3.0]),
        1e-5 * np.array([3.0, 2.0, 1.5, 1.2, 1.1, 1.0]),
    )
    trains = [(1, rise), (-1, fall), (1, np.full(4, 2e-5))]
    up, down, flat = rows(device.train_table(trains), "nonlinearity label")
    assert (up["pulses"], down["pulses"]) == ("positive", "negative")
    for row, values in ((up, rise), (down, fall), (flat, np.full(4, 2e-5))):
        close(row["number"], len(values) - 1)
        close(row["before"], (values[0], "S"))
        close(row["after"], (values[-1], "S"))
        close(row["on/off"], values.max() / values.min())
    assert float(up["nonlinearity label"]) > 0 > float(down["nonlinearity label"])
    assert flat["nonlinearity label"] == flat["states"] == "-"


def test_changed_numbers_are_named_with_their_unit():
    by_hand = {
        "vacancy": {
            "migration_barrier": {"value": 0.7, "unit": "eV", "source": "set by hand: --set"},
            "charge": {"value": 2, "unit": "1", "source": "cited"},
        }
    }
    from frenkel.kinetic.materials.rows import BY_HAND

    by_hand["vacancy"]["migration_barrier"]["source"] = f"{BY_HAND}, today"
    (words,) = device.changed_numbers(by_hand)
    assert words.strip().startswith("vacancy.migration_barrier = 0.7 eV, ")
    assert device.changed_numbers(None) == device.changed_numbers({"title": "x"}) == []


# ---- arrays ----


def an_array():
    """A programmed array of 4 x 5 cells with all that a report tells, at chosen numbers."""
    target = np.repeat([[1e-5], [2e-5], [3e-5], [4e-5]], 5, 1)
    error = 1e-7 * np.arange(20.0).reshape(4, 5)
    reached = np.ones((4, 5), int)
    reached[0, :] = 0
    reached[1, 2] = -1
    programmed = target + error
    seen = np.stack([0.5 * target, programmed])
    product_target = np.array([[1e-6, 4e-6], [2e-6, 3e-6]])
    energy = {"cells": 2e-9, "lines": 5e-10}
    return xr.Dataset(
        {
            "phase_name": ("phases", ["program", "bake"]), "phase_kind": ("phases", ["program", "retention"]),
            "phase_end": ("phases", [0.0, 3600.0]),
            "target": (("word_line", "bit_line"), target), "reached": (("word_line", "bit_line"), reached),
            "program_pulses": (("word_line", "bit_line"), np.arange(20).reshape(4, 5)),
            "programmed": (("word_line", "bit_line"), programmed),
            "program_time": 2.5e-4, "program_time_serial": 2e-3,
            "snapshot_label": ("snapshot", ["as made", "programmed"]),
            "conductance": (("snapshot", "word_line", "bit_line"), seen),
            "reading_phase": ("reading", [1] * 6), "reading_word_line": ("reading", [0, 0, 1] * 2),
            "reading_bit_line": ("reading", [0, 1, 1] * 2),
            "reading_conductance": ("reading", [2e-5, 4e-5, 3e-5, 1e-5, 2e-5, 1.5e-5]),
            "product": (("vector", "bit_line2"), 0.5 * product_target),
            "product_target": (("vector", "bit_line2"), product_target),
            "product_exact": (("vector", "bit_line2"), product_target + 1e-7),
            "energy": (("sample", "component"), [[0.0, 0.0], list(energy.values())]),
            "pulses": ("sample", [1, 190]), "reads": ("sample", [2, 71]),
            "read_margin": (("crossing", "scheme", "size"), [[[0.75, -0.125]]]),
        },
        {"component": list(energy), "crossing": ["crossbar"], "scheme": ["half"], "size": [8, 64]},
        {"provenance": ATTRS["provenance"], "periphery_label": "chosen", "periphery": '{"bits": 6}'},
    )  # fmt: skip


def test_an_array_says_how_it_was_programmed():
    result = an_array()
    text = array.describe(result)
    error = result["programmed"] - result["target"]
    shown = line(text, "reached their target")
    rms = float(np.sqrt((error.values**2).mean()))
    close(shown, 14, 20, 5, 9.5, 19, (rms, "S"))
    close(line(text, "one cell after the other"), (2.5e-4, "s"), 8)
    assert line(text, "failed   ").split("  ")[-1].strip() == "(0, 0), (0, 1), (0, 2), (0, 3), (0, 4)"
    close(line(text, "none of 5"), 5, (1e-5, "S"), (1e-5, "S"), (1.04e-5, "S"))
    assert "bake (to 1 h)" in text
    blind = result.assign(programmed=np.nan * result["programmed"])
    assert "no reads" in array.describe(blind)


def test_an_array_says_what_its_cells_hold():
    result = an_array()
    text = array.describe(result)
    for label, g in zip(result["snapshot_label"].values, result["conductance"].values, strict=True):
        error = g - result["target"].values
        shown = line(text, f"{label:11} error").partition(";")[0]
        close(shown, (np.sqrt((error**2).mean()), "S"), (error.mean(), "S"))
    assert "-12.5 µS" in line(text, "as made")
    close(line(text, "readings"), 3, 2, (3e-5, "S"), (1.5e-5, "S"), 2.0)


def test_levels_that_fit_are_one_more_than_steps_of_six_deviations():
    """Two targets of 20 cells each, 8 µS apart with deviations of 1 and 3 µS: 1 + 8 / (3 (1 + 3))."""
    signs = np.tile([-1.0, 1.0], 10)
    target = np.repeat([1e-5, 1.8e-5], 20)
    found = target + np.concatenate([1e-6 * signs, 3e-6 * signs])
    assert array.levels_apart(target, found) == pytest.approx(1 + 8 / 12)
    result = an_array().drop_dims(["word_line", "bit_line", "reading"], errors="ignore")
    cells = {"target": target, "programmed": found}
    grid = {name: (("word_line", "bit_line"), values.reshape(5, 8)) for name, values in cells.items()}
    grid |= {"reached": (("word_line", "bit_line"), np.ones((5, 8), int))}
    grid |= {"program_pulses": (("word_line", "bit_line"), np.ones((5, 8), int))}
    grid |= {
        "conductance": (("snapshot", "word_line", "bit_line"), np.stack([target, found]).reshape(2, 5, 8))
    }
    shown = line(array.describe(result.assign(grid)), "distinguishable levels").partition("; ")[2]
    close(shown, 1 + 8 / 12, np.log2(1 + 8 / 12))


def test_an_array_says_products_energy_and_margins():
    result = an_array()
    text = array.describe(result)
    largest = float(result["product_target"].max())
    for name, part in (
        ("product_target", "against targets without"),
        ("product_exact", "the cells as they are"),
    ):
        error = result["product"].values - result[name].values
        close(line(text, part), 2, (100 * np.sqrt((error**2).mean()) / largest, "%"))
    close(line(text, "scaled by"), (0, "%"), 2)
    close(line(text, "energy  "), (2e-9, "J"), (5e-10, "J"))
    close(line(text, "operations"), 190, 71)
    close(line(text, "periphery  "), 6)
    close(line(text, "read margin"), 8, 64)
    close(line(text, "crossbar"), 0.75, -0.125)


# ---- ensembles ----


@pytest.fixture
def file(tmp_path):
    """The numbers of a sweep over two voltages, of three members and two cycles."""
    path = tmp_path / "s.nc"
    data = xr.Dataset(
        {
            "status": (("voltage", "member"), np.array([[1, 1, 2], [1, 1, 1]], np.uint8)),
            "forming_voltage": (("voltage", "member"), [[2.0, 3.0, np.nan], [4.0, 6.0, 5.0]], {"units": "V"}),
            "hrs": (
                ("voltage", "member", "cycle"),
                np.arange(1.0, 13).reshape(2, 3, 2) * 1e5,
                {"units": "ohm"},
            ),
            "on_off": (("voltage", "member", "cycle"), np.full((2, 3, 2), np.nan), {"units": "1"}),
            "count": (("voltage", "member"), [[3, 4, -1], [5, 6, 8]], {"units": "1"}),
        },
        {"voltage": ("voltage", [1.5, 2.5], {"units": "V", "key": "phase.0.amplitude"})},
    )
    data.to_netcdf(path)
    return path


def test_a_sweep_says_the_medians_of_its_points(file):
    from frenkel.mpi_runs import shards

    with netcdf.direct(file, "r+") as opened:
        opened.set_auto_mask(False)
        status = opened["status"][...]
        status[...] = shards.OK
        status[0, 2] = next(code for code in shards.STATUS if code != shards.OK)
        opened["status"][...] = status
        text = sweep.points_table(opened)
    low, high = rows(text, "members")
    close(low["members"], 2)
    close(high["members"], 3)
    close(low["forming"], (2.5, "V"))
    close(high["forming"], (5, "V"))
    close(low["after RESET"], (3.5e5, "ohm"))
    close(high["after RESET"], (9.5e5, "ohm"))
    assert "on/off" not in low and next(iter(low.values())).startswith("1.5")


def test_an_ensemble_says_number_mean_deviation_and_quantiles(file):
    """Of finite values; a count below 0 is no value."""
    heads = ("number", "mean", "sd", "1 %", "10 %", "median", "90 %", "99 %")
    with netcdf.direct(file, "r") as opened:
        opened.set_auto_mask(False)
        for name, unit, values in (
            ("forming_voltage", "V", np.array([2, 3, 4, 6, 5.0])), ("count", "", np.array([3, 4, 5, 6, 8.0])),
            ("hrs", "ohm", np.arange(1, 13) * 1e5),
        ):  # fmt: skip
            row = dict(zip(("quantity", *heads), ensemble._row(opened, name), strict=True))
            cuts = np.quantile(values, [0.01, 0.1, 0.5, 0.9, 0.99])
            assert row["quantity"] == name
            close(row["number"], len(values))
            for head, value in zip(heads[1:], [values.mean(), values.std(ddof=1), *cuts], strict=True):
                close(row[head], (value, unit))
        assert ensemble._row(opened, "on_off") == []


def test_molten_members_are_counted_with_their_longest_time():
    """Two of three with a number are above it for longer than the least; without it nothing is said."""
    least = ensemble.melting.LEAST
    times = np.array([2.0 * least, 0.5 * least, np.nan, 40.0 * least])
    (words,) = ensemble._molten(_File({"time_above_melting": times}))
    assert words.startswith("2 of 3 members exceed their melting or decomposition temperature")
    close(words.partition("more than ")[2].partition(" at a time")[0], (least, "s"))
    close(words.partition("for up to ")[2].partition(";")[0], (40.0 * least, "s"))
    assert ensemble._molten(_File({"time_above_melting": np.array([0.0, least])})) == []
    assert ensemble._molten(_File({})) == []


class _File(dict):
    @property
    def variables(self):
        return self


def test_a_status_says_rate_rest_balance_and_memory():
    one = {
        "done": 30,
        "total": 90,
        "failed": 2,
        "running": 4,
        "workers": 5,
        "rate": 0.25,
        "rest": 240.0,
        "balance": 0.875,
        "peak_memory": 1.5e8,
    }
    close(ensemble.line(one).replace("/s", ""), 30, 90, 2, 4, 5, 0.25, 4, (88, "%"), (1.5e8, "B"))
    slow = ensemble.line({**one, "rate": 0.025, "rest": None, "balance": None, "peak_memory": 0, "failed": 0})
    assert "90/h" in slow and "0.25/s" in ensemble.line(one) and "left" not in slow and "failed" not in slow


def test_what_an_earlier_start_left_is_said(monkeypatch):
    """Members 1 and 2 are finished, one of them in two records; 3 has failed. None: no sentence."""
    notes = []
    progress = ensemble.EnsembleProgress(quiet=True)
    monkeypatch.setattr(progress, "note", notes.append)
    ok, failed = shards.OK, shards.FAILED
    survey = SimpleNamespace(
        faults=["a.shard is torn"], member=np.array([1, 1, 2, 3]), status=np.array([ok, ok, ok, failed])
    )
    progress.begun(survey)
    assert notes == [
        "a.shard is torn; its members run again", "going on: 2 members were finished before"
    ]  # fmt: skip
    notes.clear()
    progress.begun(SimpleNamespace(faults=[], member=np.array([3]), status=np.array([failed])))
    assert notes == []


def test_a_status_says_of_each_part_where_it_runs(tmp_path, monkeypatch):
    """All members in one part without its name, parts with theirs; what is not alive has died."""
    common = {"host": "node7", "pid": 41, "now": time.time() - 30.0, "job": "", "done": 3, "total": 9}
    common |= {"failed": 0, "running": 1, "workers": 2, "rate": 1.0, "rest": None, "balance": None}
    common |= {"peak_memory": 0}
    parts = [
        common | {"part": "all", "state": "done"},
        common | {"part": "2-of-3", "state": "running", "job": "815"},
    ]
    monkeypatch.setattr(ensemble.state, "read", lambda folder: parts)
    monkeypatch.setattr(ensemble.state, "alive", lambda part: False)
    empty = SimpleNamespace(
        member=np.array([4, 5]), status=np.array([shards.OK, shards.OK]), paths=[], faults=[]
    )
    monkeypatch.setattr(ensemble.runs, "survey", lambda folders: empty)
    first, second, third = ensemble.status_text(tmp_path).split("\n")
    assert first.startswith("done on node7, process 41, 30 s ago: 3 of 9 done")
    assert second.startswith("part 2-of-3: died on node7, process 41, job 815, 30 s ago: 3 of 9 done")
    assert third == "2 members are safe in 0 shards, 0 MB"


def test_quantiles_of_a_run_are_those_that_their_heads_name():
    members = [
        {"forming_voltage": value, "hrs": [value * 1e5, np.nan]} for value in (2.0, 3.0, 4.0, 5.0, 6.0)
    ]
    head, table = watch.quantiles(members)
    close(head, 5)
    forming, hrs = rows(table, "values")
    for head in list(forming)[2:]:
        share = float(head.split()[0]) / 100
        close(forming[head], (np.quantile([2, 3, 4, 5, 6], share), "V"))
        close(hrs[head], (np.quantile([2e5, 3e5, 4e5, 5e5, 6e5], share), "ohm"))
    close(forming["values"], 5)


def test_a_loop_is_drawn_where_its_currents_are():
    """0.1 mA at 1 V in the upper right corner, 1 µA at -1 V in the lower left one."""
    lines = watch.loop(np.array([-1.0, 1.0]), np.array([-1e-6, 1e-4]), 10, 4)
    first, last = (lines[k].partition("|") for k in (0, 3))
    close(first[0], (1e-4, "A"))
    close(last[0], (1e-6, "A"))
    assert first[2][-1] != chr(0x2800) and last[2][0] != chr(0x2800)
    assert first[2][0] == last[2][-1] == chr(0x2800)
    close(lines[-1], -1, (1, "V"))


# ---- plans ----


def test_a_forecast_is_that_of_the_model():
    times = np.array([4.0, 2.0, 1.0, 1.0, 8.0, 2.0])
    text = forecast.forecast(times, 4, 2, 12, 5e6)
    head = line(text, "ranks in")
    close(head, 12, 4, 2, (3, "s"), (8, "s"), (9, "s"))
    own = model.simulate(times, 2)
    close(
        line(text, "members all expected alike").partition(": ")[2].partition("(")[2].replace("/s", ""),
        (own.wall, "s"),
        own.efficiency,
        own.messages,
        1 / model.SERVICE,
        (100 * own.manager, "%"),
    )
    close(line(text, "files:").partition("s (")[0], 4)
    close(line(text, "files:").partition("), ")[2].partition(";")[0], (6e7, "B"))
    assert "longest member limits" not in text
    assert "longest member limits" in forecast.forecast(times, 6, 1, 12, 5e6)
    # One rank has all 18 s of work, and so has each of two shards of one rank, or of less.
    for ranks, parts in ((1, 1), (2, 2), (1, 2)):
        one = forecast.forecast(times, ranks, parts, 12, 5e6)
        assert line(one, "ranks").endswith("18 s of work each")
        wall = line(one, "members all expected alike").partition("(")[2].split(" s")[0]
        assert float(wall) == pytest.approx(model.simulate(times, 1).wall, rel=1e-3)


def test_a_plan_says_where_the_seed_comes_from():
    document = {
        "material": "HfO2-volatile", "device": {"thickness": "1.56 nm", "width": "1.56 nm"},
        "phase": [{"kind": "constant", "voltage": "0.1 V", "duration": "1 ns", "samples": 2}],
    }  # fmt: skip
    for seed, words in (({"seed": 7}, "7"), ({}, "drawn at the start")):
        text = plan.plan(configurations.parse(document | seed, "here"))
        assert line(text, "seed").split(maxsplit=1) == ["seed", words]


def test_measurements_say_their_quantiles():
    values = np.array([[1e4, 3e4], [2e4, np.nan], [5e4, 4e4]])
    data = xr.Dataset(
        {
            "hrs": (("device", "cycle"), values, {"units": "ohm"}),
            "lrs": (("device", "cycle"), 2 * values, {"units": "ohm"}),
            "set_voltage": (("device", "cycle"), np.full((3, 2), np.nan), {"units": "V"}),
        },
        attrs={"without_cycles": json.dumps([f"device {k}: short" for k in range(7)])},
    )
    text = measured.contents(data)
    close(line(text, "device(s)"), 3)
    close(line(text, "  hrs "), (3e4, "ohm"), (1e4, "ohm"), (5e4, "ohm"), 1, 6)
    assert "no value" in line(text, "set_voltage") and "are the columns swapped?" in text
    close(line(text, "more devices"), 2)
    right = measured.contents(data.assign(hrs=data["lrs"], lrs=data["hrs"]))
    assert "swapped" not in right


def test_measured_and_simulated_are_side_by_side():
    from frenkel.cells.law import Feature

    rng = np.random.default_rng(1)
    scores = np.linspace(-3, 3, 5)
    features = (
        Feature("hrs", "ohm", "log", tuple(scores)),
        Feature("set_voltage", "V", "linear", tuple(scores)),
    )
    samples = [
        SimpleNamespace(features=features, values=rng.normal(middle, 0.3, (6, 4, 2)), origin=name)
        for name, middle in (("measured", 0.5), ("simulated", 0.75))
    ]
    text = measured.comparison_text(*samples)
    close(text.split("\n")[0], 6, 6, 4)
    for row, feature, i in zip(rows(text, "median (10"), features, range(2), strict=True):
        for sample in samples:
            low, middle, high = np.quantile(feature.backward(sample.values[:, :, i]), (0.1, 0.5, 0.9))
            close(row[sample.origin], *((float(x), feature.unit) for x in (middle, low, high)))


def test_a_running_device_says_how_old_its_checkpoint_is(tmp_path, monkeypatch):
    path = tmp_path / "x.checkpoint"
    path.touch()
    os.utime(path, (1e9, 1e9))  # so that what is recorded of this test has the same clock each day
    sample = {"events": [3, 41], "source_voltage": np.array([0.0, 1.0]), "current": np.array([1e-6, 1e-5])}
    logs = [{"sample": [], "name": "form"}, {"sample": sample, "name": "reset 1"}]
    monkeypatch.setattr(watch.store, "load_checkpoint", lambda _: {"protocol": {"logs": logs}})
    now = path.stat().st_mtime
    monkeypatch.setattr(time, "time", lambda: now + 12.0)
    head = watch.device(path).split("\n")[0]
    assert head == "reset 1: 2 phases begun, 41 events, 12 s ago"

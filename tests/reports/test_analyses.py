"""Every number of the reports on cards, calibrations, traces, bakes, tails: value, unit, sign."""

import json
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from made_up_cards import made_up_card
from made_up_noise import RELAXATION, RTN
from printed import close, line, rows

from frenkel.analysis.noise.answer import Answer, Goodness
from frenkel.analysis.noise.spectrum import Slope
from frenkel.analysis.reliability import retention
from frenkel.analysis.reliability.bakes import BakeFit
from frenkel.analysis.reliability.extrapolation import Observed, extrapolate
from frenkel.analysis.statistics import distributions
from frenkel.analysis.statistics.censoring import Sample
from frenkel.calibration.rounds import Calibration, Parameter
from frenkel.rare.splitting import Estimate
from frenkel.reports import calibration, card, noise, reads, sensitivity, tails

# ---- cards ----


def test_a_card_says_the_middle_and_the_spread_of_each_feature():
    """The features of the card are tables of their scores: linear but for a bent one, ln of ohm and V."""
    one = made_up_card()
    text = card.describe(one)
    mean = one.weights @ one.means
    close(line(text, "kinds of device").partition(":")[2], 2, 1)
    for number, feature in enumerate(one.features):
        shown = line(text, f"  {feature.name} ")
        back = lambda score, feature=feature: float(feature.backward(np.array([score]))[0])  # noqa: E731
        size = math.exp(mean[2 + number])
        low, high = (back(mean[number] + side * size) for side in (-1, 1))
        if feature.transform == "log":
            assert shown.count("decades") == 1
            spread = (math.log10(high / low) / 2, "")
        else:
            spread = (abs(high - low) / 2, feature.unit)
        close(shown, (back(mean[number]), feature.unit), spread, (100 * feature.missing, "%"))
    close(line(text, "made for voltage"), -2, 2)
    close(line(text, "pooled"), 0.1, 0.2)
    assert line(text, "pooled").split()[0] == "passed"


def test_a_card_says_its_laws_of_noise():
    one = made_up_card(rtn_law=RTN, relaxation_law=RELAXATION)
    text = card.describe(one)
    for state in RTN.states:
        relative = 1 - math.exp(-math.exp(state.amplitude[0]))
        numbers = (state.conductance, "S"), state.traps, (100 * relative, "%")
        times = (math.exp(state.high[0]), "s"), (math.exp(state.low[0]), "s")
        close(line(text, f"telegraph noise of {state.name}"), *numbers, *times)
    for state in RELAXATION.states:
        shown = line(text, f"relaxation of {state.name}").replace("ln t", "")
        close(shown, (state.conductance, "S"), state.location[1], state.spread[0], state.spread[1])


def test_a_card_says_what_was_left_out_and_by_what_it_was_judged():
    provenance = {
        "core": {"drive": "fitted", "voltage_scale": "given"},
        "judged": {"cannot_show": ["a tail"], "devices": 7, "cycles": 12, "by": "those held out"},
        "stuck": {"ratio": 1.5, "at_start": 2, "devices": 9, "at_end": 3, "share": 0.25},
        "jumps": {"given_up": {"sets": (3, 40)}},
        "devices_that_repeat": {"hrs": 4},
        "levels": {"lrs": 6},
    }
    text = card.describe(made_up_card(provenance=provenance, core={"drive": 2.5, "voltage_scale": 0.25}))
    close(line(text, "core for circuits"), (2.5, "1/V"), (0.25, "V"))
    assert "drive 2.5 1/V (fitted), voltage_scale 0.25 V (given)" in text
    close(line(text, "judged by"), 7, 12)
    close(line(text, "stuck without"), 1.5, 2, 9, 3, (25, "%"))
    close(line(text, "probes in no row"), 3, 40)
    close(line(text, "devices that repeat"), 4)
    close(line(text, "levels that all devices share"), 6)
    nothing = made_up_card(provenance={"core": {"lacks": ["drive", "read voltage"]}})
    assert "no core for circuits: the data do not tell drive, read voltage" in card.describe(nothing)


@pytest.mark.parametrize(("chosen", "words"), [
    ({"ranks": True, "rank_ratios": []}, "differ in ranks, since their values stand on levels"),
    ({"ranks": False, "rank_ratios": []}, "differ in values: too few of them"),
    ({"ranks": True, "rank_ratios": [1.25], "value_ratios": [2.5]}, "differ in ranks: on splits"),
    ({"ranks": False, "rank_ratios": [3.25], "value_ratios": [1.5]}, "differ in values: on splits"),
])  # fmt: skip
def test_a_fit_says_what_was_chosen(chosen, words):
    one = made_up_card(
        provenance={"ranks": {"statistics": ["pooled"], **chosen}}, core={"drive": 3.0, "voltage_scale": 0.2}
    )
    cores = xr.Dataset({"drive": ("device", [1.0, np.nan, 2.0]), "residual": ("device", [0.5, np.nan, 0.1])})
    text = card.fit_text(SimpleNamespace(card=one, cores=cores, rows=[]))
    assert words in text
    if chosen["rank_ratios"]:
        close(line(text, "on splits"), *chosen["rank_ratios"], *chosen["value_ratios"])
    close(line(text, "core of").replace("ln(current)", ""), 2, (3.0, "1/V"), (0.2, "V"), 0.3)


# ---- calibration ----


def a_calibration(**changes):
    """What was found of three parameters: one free at an end, one with a partner, one told by nothing."""
    places = np.random.default_rng(1).standard_normal(400)
    other = np.random.default_rng(2).standard_normal(400)
    fields = {
        "parameters": (
            Parameter("vacancy.migration_barrier", 0.6, 0.9),
            Parameter("vacancy.attempt_frequency", 1e12, 1e14, logarithmic=True),
            Parameter("vacancy.binding_energy", -1.0, 1.0),
        ),
        "misfit": 12.5,
        "freedom": 2,
        "p_value": 0.002,
        "best": {
            "vacancy.migration_barrier": 0.71,
            "vacancy.attempt_frequency": 2e13,
            "vacancy.binding_energy": -0.25,
        },
        "intervals": {
            "vacancy.migration_barrier": (0.68, 0.74),
            "vacancy.attempt_frequency": (-math.inf, 5e13),
            "vacancy.binding_energy": (-0.5, math.inf),
        },
        "edges": {"vacancy.attempt_frequency": "low"},
        "untold": ("vacancy.binding_energy",),
        "statistics": ("hrs median", "lrs median"),
        "lacking": ("on_off",),
        "coarse": ("reset_voltage",),
        "target": np.array([11.0, 8.5]),
        "fitted": np.array([11.6, 8.0]),
        "errors": np.array([0.2, 0.25]),
        "draws": np.stack([0.7 + 0.01 * places, 1e13 * np.exp(places + 0.1 * other), other], 1),
        "effective": 15.0,
        "designs": np.zeros((5, 3)),
        "shown": np.array([[1.0, 2.0], [np.nan, 1.0], [1.0, 2.0], [0.0, 0.0], [1.0, np.inf]]),
        "members": 13,
        "cut": (),
        "flat": (),
        "kept": np.ones(10),
        "density": None,
    }
    return Calibration(**(fields | changes))


def test_a_calibration_says_by_how_many_errors_each_statistic_is_off():
    """Measured less simulated, over the error: below 0 where the simulator lies above."""
    found = a_calibration()
    table = rows(calibration.describe(found), "off by errors")
    assert [row["off by errors"] for row in table] == ["-3.0", "+2.0"]
    for row, aim, fitted, error in zip(table, found.target, found.fitted, found.errors, strict=True):
        close(row["measured"], aim)
        close(row["simulated"], fitted)
        close(row["error"], error)


def test_a_calibration_says_parameters_with_their_intervals():
    found = a_calibration()
    text = calibration.describe(found)
    barrier, frequency, x = rows(text, "posterior")
    close(barrier["best"], (0.71, "eV"))
    close(barrier["95 % of the posterior"], 0.68, 0.74)
    close(barrier["looked for in"], 0.6, 0.9)
    close(frequency["looked for in"], 1e12, 1e14)
    assert frequency["95 % of the posterior"].startswith("below ") and x["95 % of the posterior"].startswith(
        "above"
    )
    close(frequency["95 % of the posterior"], 5e13)
    close(x["95 % of the posterior"], -0.5)
    assert "attempt_frequency reaches the low end" in text
    assert "vacancy.binding_energy: not identifiable from the data" in text
    close(line(text, "do not show what was measured"), 2, 5)
    close(line(text, "effective draws"), 15)
    assert "reset_voltage is not compared: most simulated devices" in text
    assert "no interval holds" in text and "not compared, for lack of values: on_off" in text
    assert "intervals are rough" in calibration.describe(a_calibration(effective=20.0))
    assert "effective draws" not in calibration.describe(a_calibration(effective=100.0))


def test_a_calibration_says_which_parameters_go_together():
    """The frequency is drawn as e to the draws of the barrier: their logarithm correlates, not they."""
    found = a_calibration()
    ((first, other, value),) = calibration.ridges(found)
    assert (first, other) == ("vacancy.attempt_frequency", "vacancy.migration_barrier")
    expected = np.corrcoef(found.draws[:, 0], np.log(found.draws[:, 1]))[0, 1]
    assert value == pytest.approx(expected) and value > 0.99
    turned = a_calibration(draws=found.draws * [-1, 1, 1] + [1.4, 0, 0])
    close(line(calibration.describe(turned), "go together"), -value)


# ---- sensitivities ----


def derivatives():
    """Two mechanisms and one outcome of chosen derivatives; two parameters, one of them by runs."""
    return xr.Dataset(
        {
            "mean": ("value", [-11.5]),
            "members": ("value", [40]),
            "derivative": (("value", "mechanism", "of"), [[[-2.5, 0.5], [40.0, -0.01]]]),
            "error": (("value", "mechanism", "of"), [[[0.5, 0.1], [8.0, 0.02]]]),
            "low": (("value", "mechanism", "of"), [[[-3.5, 0.25], [20.0, -0.05]]]),
            "high": (("value", "mechanism", "of"), [[[-2.0, 0.625], [50.0, 0.025]]]),
            "change": (("parameter", "value"), [[0.25], [-3.0]]),
            "change_low": (("parameter", "value"), [[0.125], [-4.0]]),
            "change_high": (("parameter", "value"), [[0.5], [-1.0]]),
            "runs": (("parameter", "value"), [[0], [1]]),
            "information": ("number", [4.0, 0.25, 1e-14]),
            "information_error": ("number", [0.5, 0.25, 0.0]),
            "combination": (
                ("number", "of", "mechanism"),
                [[[0.8, 0.05], [-0.6, 0.0]], [[0.0, 1.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 1.0]]],
            ),
        },
        {
            "value": ["final"], "mechanism": ["hop", "exchange"], "of": ["barrier", "frequency"],
            "parameter": ["vacancy.migration_barrier", "conduction.prefactor"],
        },
    )  # fmt: skip


def bare(text):
    """Return the numbers of "value (low to high)"."""
    return text.replace("(", "").replace(")", "").replace("to", "")


def test_sensitivities_are_those_of_the_steps_that_rows_state():
    """Per 10 meV and per 10 %, with both ends of the intervals."""
    found = derivatives()
    text = sensitivity.describe(found, np.array([0.5, np.nan, -3.25]))
    close(line(text, "mean  ")[34:], -11.5)
    close(line(text, "devices  ")[34:], 40)
    for mechanism in ("hop", "exchange"):
        for of, step in (("barrier", 0.01), ("frequency", math.log(1.1))):
            row = found.sel(mechanism=mechanism, of=of)
            numbers = [float(row[name][0]) * step for name in ("derivative", "low", "high")]
            close(bare(line(text, f"{mechanism}, {of} +")[34:]), *numbers)
    for name, by in (("vacancy.migration_barrier", "w"), ("conduction.prefactor", "r")):
        row = found.sel(parameter=name)
        shown = line(text, name)[34:]
        assert shown[-1] == by
        close(bare(shown[:-1]), *(float(row[name][0]) for name in ("change", "change_low", "change_high")))
    close(line(text, "mean weights are 0").partition("(")[0].replace(" 0 ", " "), 3.25)


def test_intervals_of_numbers_become_intervals_of_the_means():
    """A barrier by its eV, a prefactor by its logarithm; both together as independent errors."""
    found = derivatives()
    known = {"vacancy.migration_barrier": (1.0, 0.9, 1.4), "conduction.prefactor": (1e-5, 5e-6, 1e-5),
             "heat.conductivity": (1.0, 0.5, 2.0)}  # fmt: skip
    text = sensitivity.describe(found, np.array([np.nan]), known)
    by_barrier = float(found["change"].sel(parameter="vacancy.migration_barrier")[0]) / 0.01
    by_prefactor = float(found["change"].sel(parameter="conduction.prefactor")[0]) / math.log(1.1)
    shown = line(text, "vacancy.migration_barrier 0.9")[34:].replace("to", "")
    close(shown, -0.1 * by_barrier, 0.4 * by_barrier)
    shown = line(text, "conduction.prefactor 5e-06")[34:].replace("to", "")
    close(shown, math.log(0.5) * by_prefactor, 0.0)
    halves = (0.25 * by_barrier, 0.5 * math.log(2) * by_prefactor)
    close(line(text, "all, independent")[34:].replace("±", ""), math.hypot(*halves))
    assert "heat.conductivity" not in text
    assert "to first order" not in sensitivity.describe(found, np.array([np.nan]))


def test_what_the_course_of_a_device_tells_is_one_over_the_root_of_its_information():
    first, second, third = sensitivity.combinations_text(derivatives())[1:]
    half = 1.959964 * np.array([0.5, 0.25])
    close(
        first.partition(")")[0].replace("(", "").replace("±", ""),
        0.5,
        (4 + half[0]) ** -0.5,
        (4 - half[0]) ** -0.5,
    )
    assert "+0.80 hop barrier -0.60 hop frequency" in first and "exchange" not in first
    close(second.partition(")")[0].replace("(", "").replace("±", ""), 2.0, (0.25 + half[1]) ** -0.5, math.inf)
    assert third.split()[:2] == ["not", "told"] and "+1.00 exchange frequency" in third


# ---- reliability ----


def test_laws_of_time_say_their_rates_by_unit():
    fits = xr.Dataset(
        {
            "rate": ("law", [0.0, -2.5e-7, -0.125]),
            "rate_interval": (("law", "end"), [[0.0, 0.0], [-3.5e-7, -1.5e-7], [-0.25, -0.0625]]),
            "aic": ("law", [112.0, 100.0, 104.5]),
            "r_squared": ("law", [0.0, 0.975, 0.875]),
        },
        {"law": ["constant", "logarithm", "power law"]},
    )
    none, logarithm, power = rows(reads.laws_table({"lrs": fits}), "law of the mean")
    assert none["rate (95 %)"] == "-"
    close(none["AIC above best"], 12)
    close(logarithm["AIC above best"], 0)
    close(power["AIC above best"], 4.5)
    close(
        logarithm["rate (95 %)"].replace("per e-fold", ""), *((x, "S") for x in (-2.5e-7, -3.5e-7, -1.5e-7))
    )
    close(power["rate (95 %)"], -0.125, -0.25, -0.0625)
    close(logarithm["R^2"], 0.975)
    close(power["R^2"], 0.875)


def lifetimes(kelvin, energy=1.1, spread=0.5, number=200):
    """Return times of failure (s) that are lognormal, the last tenth not seen to its end."""
    middle = np.log(1e-9) + energy / (8.617333262e-5 * kelvin)
    times = np.exp(middle + spread * np.random.default_rng(int(kelvin)).standard_normal(number))
    end = np.quantile(times, 0.9)
    return np.minimum(times, end), times < end


def test_bakes_say_survivors_medians_and_their_energy():
    bakes = {kelvin: lifetimes(kelvin) for kelvin in (450.0, 500.0)}
    bakes[400.0] = (np.full(5, 1e4), np.zeros(5, bool))
    fits = {kelvin: retention.fit_lifetime(*bakes[kelvin]) for kelvin in (450.0, 500.0)}
    text = reads.bake_table(bakes, fits, 358.15)
    for row, (kelvin, (_, failed)) in zip(rows(text, "failed"), bakes.items(), strict=True):
        close(row["bake"], (kelvin, "K"))
        close(row["devices"], len(failed))
        close(row["failed"], int(failed.sum()))
        shown = row["median time to failure (95 %)"]
        if kelvin in fits:
            close(shown, *((float(x), "s") for x in fits[kelvin].quantile(0.5)))
        else:
            assert shown.startswith("- (fewer than 3")
    found = retention.arrhenius_of(fits)
    assert found.energy == pytest.approx(1.1, abs=0.1)
    shown = line(text, "activation energy").replace("95 %", "")
    close(
        shown,
        *((float(x), "eV") for x in (found.energy,)),
        found.energy_interval[0],
        (found.energy_interval[1], "eV"),
    )
    middle, low, high = found.time(358.15)
    close(line(text, "median at"), (358.15, "K"), (middle, "s"), low, (high, "s"))
    assert "no activation energy" in reads.bake_table(bakes, {450.0: fits[450.0]}, 358.15)


def a_bake_fit(**changes):
    fields = {
        "family": "lognormal", "kelvin": np.array([400.0, 450.0]), "devices": np.array([40.0, 50.0]),
        "failed": np.array([4.0, 30.0]), "ratio": 2.25, "ratio_interval": (1.5, 3.25), "energy": 1.25,
        "energy_interval": (0.75, 1.75), "spread": 0.5, "spread_interval": (0.25, 0.875), "misfit": 0.25,
        "heterogeneity": 1.0, "span": 10.0,
    }  # fmt: skip
    return BakeFit(**(fields | changes))


def test_bakes_with_few_reads_say_what_they_identify():
    found = a_bake_fit()
    assert found.identified
    text = reads.interval_text(found)
    first, second = rows(text, "fraction")
    close(first["fraction"], 0.1)
    close(second["fraction"], 0.6)
    close(second["bake"], (450, "K"))
    close(second["devices"], 50)
    close(second["failed"], 30)
    close(line(text, "identified:").replace("95 %", ""), (2.25, "eV"), 1.5, (3.25, "eV"))
    shown = next(one for one in text.split("\n") if one.startswith("activation"))
    close(shown.replace("95 %", ""), (1.25, "eV"), 0.75, (1.75, "eV"))
    close(line(text, "spread of ln t 0").replace("95 %", ""), 0.5, 0.25, 0.875)
    close(line(text, "law fits"), 0.25)
    assert "does not fit" in reads.interval_text(a_bake_fit(heterogeneity=1.5))
    open_ = a_bake_fit(
        energy=math.nan, energy_interval=(0.0, math.inf), spread=math.nan, misfit=math.nan, span=3.0
    )
    text = reads.interval_text(open_)
    close(line(text, "not identified"), 3.0)
    assert "cannot be told: as many fractions as numbers" in text


def test_endurance_says_windows_and_what_failed():
    decade = {"decade": [10, 100], "median_hrs": [2e5, 1.5e5], "median_lrs": [8e3, 9e3]}
    decade |= {"median_window": [25.0, 16.5], "least_window": [4.25, 1.125]}
    found = xr.Dataset(
        {
            **{name: ("decade", values) for name, values in decade.items()},
            "failures": ("device", [0, 3]), "known": ("device", [100, 96]),
            "first_failure": ("device", [1000, 57]), "stuck_low": ("device", [0, 2]),
            "stuck_high": ("device", [0, 1]),
        },
        attrs={"cycles": 100, "window": 1.5},
    )  # fmt: skip
    text = reads.endurance_table(found)
    for row, number in zip(rows(text, "to cycle"), range(2), strict=True):
        close(row["to cycle"], decade["decade"][number])
        close(row["median HRS"], (decade["median_hrs"][number], "ohm"))
        close(row["median LRS"], (decade["median_lrs"][number], "ohm"))
        close(row["median on/off"], decade["median_window"][number])
        close(row["least on/off"], decade["least_window"][number])
    close(line(text, "on/off below"), 3, 196, 2, 1.5, 57, 2, 1, 4)
    assert "2 stuck in LRS, 1 stuck in HRS" in text
    whole = found.assign(failures=("device", [0, 0]), known=("device", [100, 100]))
    close(reads.endurance_table(whole).split("\n")[-1], 0, 200, 2, 1.5)


def test_read_disturb_says_how_many_reads_it_took():
    count = np.array([10.0, 20.0, 30.0, 40.0, 50.0])
    ends = {
        "0.3 V": (count, np.array([True, True, True, True, False])),
        "0.2 V": (count, np.array([True, False, False, False, False])),
        "": (count, np.zeros(5, bool)),
    }
    text = reads.disturb_table(ends)
    most, few, none = rows(text, "disturbed")
    middle = "median reads to it (95 %)"
    close(most["devices"], 5)
    close(most["disturbed"], 4)
    close(most["most reads"], 50)
    assert most[middle].startswith("30 (")
    close(few["disturbed"], 1)
    assert few[middle] == "above 50" and (none["reads at"], none[middle]) == ("all", "-")


def test_fitted_distributions_say_parameters_intervals_and_quantiles():
    values = np.exp(np.log(2e4) + 0.4 * np.random.default_rng(3).standard_normal(60))
    right = values > 4e4
    sample = Sample(low=np.minimum(values, 4e4), high=np.where(right, np.inf, values))
    fit = distributions.fit(sample, "lognormal")
    text = reads.fits_table({"hrs": fit, "on_off": fit}, {"hrs": "ohm", "on_off": "1"})
    hrs, on_off = rows(text, "devices")
    intervals = fit.intervals()
    expected = [x for name, value in fit.parameters.items() for x in (value, *intervals[name])]
    close(hrs["lognormal (95 %)"], *expected)
    close(hrs["devices"], 60, int(right.sum()))
    for row, unit in ((hrs, "ohm"), (on_off, "")):
        for head, share in (("1 %", 0.01), ("median", 0.5), ("99 %", 0.99)):
            close(row[head], (float(fit.values(np.array([share]))[0]), unit))


@pytest.mark.parametrize("by", ["temperature", "voltage"])
def test_an_extrapolation_says_slopes_in_their_units(by):
    """Rates that grow by 1.2 eV, or by 3 decades per V, with a scatter that gives intervals."""

    def point(condition, factor, width=1.5):
        kelvin, volts = (condition, 0.0) if by == "temperature" else (300.0, condition)
        rate = factor * (
            1e12 * np.exp(-1.2 / (8.617333262e-5 * condition))
            if by == "temperature"
            else 10 ** (3 * condition)
        )
        chance = -np.expm1(-rate * (0.1 / rate))
        return Observed(
            temperature=kelvin,
            voltage=volts,
            duration=0.1 / rate,
            probability=chance,
            low=chance / width,
            high=chance * width,
        )

    conditions = (400.0, 500.0, 550.0, 600.0) if by == "temperature" else (0.2, 0.5, 0.75, 1.0)
    found = extrapolate(
        [point(x, f) for x, f in zip(conditions, (1.0, 1.2, 0.9, 1.1), strict=True)], conditions[0]
    )
    text = reads.extrapolation_table(found)
    unit = "K" if by == "temperature" else "V"
    table = rows(text, "rate by splitting")
    assert len(table) == 4 and table[1][""] == "accelerated"
    for k, row in enumerate(table):
        close(row["condition"], (conditions[k], unit))
        close(row["rate by splitting (1/s)"], found.rate[k], found.low[k], found.high[k])
        close(row["extrapolated (1/s)"], *(float(x) for x in found.at(conditions[k])))
    middle = float(found.at(conditions[0])[0])
    close(table[0][""], found.rate[0] / middle)
    slope, (low, high) = found.line.slope, found.line.slope_interval
    if by == "temperature":
        assert slope == pytest.approx(-1.2, abs=0.1) and low < slope < high
        close(line(text, "activation energy").replace("95 %", ""), (-slope, "eV"), -high, -low)
    else:
        assert slope == pytest.approx(3 * math.log(10), rel=0.1) and low < slope < high
        tens = [x / math.log(10) for x in (slope, low, high)]
        close(line(text, "decades per V").replace("95 %", ""), *tens)
    (row,) = rows(text, "by this time")
    duration, chance = found.observed[0].duration, found.observed[0].probability
    expected = [float(x) for x in found.chance(conditions[0], duration)]
    close(row["by this time"], (conditions[0], unit), (duration, "s"))
    close(row["fails, by splitting"], chance, found.observed[0].low, found.observed[0].high)
    close(row["extrapolated"], *expected)
    close(row["as usual"], chance / expected[0])
    assert row[""] == "not distinguishable"


# ---- noise ----


def traps(number=2):
    """Traps of chosen numbers."""
    values = {"amplitude": [2e-9, 3.5e-10], "tau_capture": [1e-3, 0.2], "tau_emission": [4e-3, 2.5]}
    data = {name: ("trap", value[:number]) for name, value in values.items()}
    for name in ("tau_capture", "tau_emission"):
        ends = [[0.5 * x, 3 * x] for x in values[name][:number]]
        data[f"{name}_interval"] = (("trap", "end"), ends)
    return xr.Dataset(data | {"transitions": ("trap", [120, 31][:number])})


def test_a_trace_says_its_traps_and_how_well_they_fit():
    how = Goodness(factor=1.25, band=(2e3, 5e4), residual=-0.02, chance=0.01, exponential=0.125)
    found = Answer(
        trace=xr.Dataset(), traps=traps(), refused="", goodness=how, slow=0.025, slow_share=0.375,
        drift=-0.0125, slope=Slope(-1.25, -1.5, -1.0),
    )  # fmt: skip
    assert found.holds
    text = noise.answer_text(found)
    first, second = rows(text, "transitions")
    close(first["transitions"], 120)
    close(second["step"], (3.5e-10, "A"))
    close(first["time to capture (95 %)"], *((x, "s") for x in (1e-3, 0.5e-3, 3e-3)))
    close(second["time to emission (95 %)"], *((x, "s") for x in (2.5, 1.25, 7.5)))
    close(line(text, "variations slower"), (0.025, "s"), (37.5, "%"))
    close(line(text, "fit: spectrum"), 1.25, (2e3, "Hz"), (5e4, "Hz"), -0.02, 0.125)
    close(line(text, "spectrum as").replace("f^", "").replace("95 %", ""), -1.25, -1.5, -1.0)
    close(line(text, "drift over"), (-1.25, "%"))
    poor = replace(found, goodness=replace(how, factor=3.5, exponential=math.nan))
    text = noise.answer_text(poor)
    assert "no interval holds" in text and "dwell times too few" in text
    (first, second) = rows(text, "transitions")
    close(first["time to capture"], (1e-3, "s"))
    close(second["time to emission"], (2.5, "s"))
    close(first["step"], (2e-9, "A"))
    assert "no traps: too short" in noise.answer_text(replace(found, traps=None, refused="too short"))


# ---- tails ----


def test_a_tail_beside_that_of_a_card():
    one = Estimate(
        probability=2.5e-7,
        error=5e-8,
        stated=4e-8,
        low=1e-7,
        high=6e-7,
        repeats=8,
        levels=12.5,
        extinct=1,
        complete=True,
    )
    judged = SimpleNamespace(card=one, rows=[], untold=[1e-3, 2e-4])
    text = tails.beside("hfo2", judged)
    close(text.split("\n")[0].replace("hfo2", "").replace("95 %", ""), 2.5e-7, 1e-7, 6e-7)
    close(text.split("\n")[-1].partition(":")[0], 1e-3, 2e-4)
    close(text.split("\n")[1].partition("from")[2], tails.LEAST, 1)
    less = SimpleNamespace(card=replace(one, complete=False), rows=[], untold=[])
    assert "below 2.5e-07" in tails.beside("hfo2", less)


def test_a_tail_says_its_probability_its_errors_and_what_was_spent(monkeypatch):
    question = {"event": "set fails", "conductance": 2e-5, "particles": 50, "kill": 5, "starts": 4}
    record = {
        "version": 1, "software": {"name": "frenkel", "version": "0", "git": None},
        "configuration": {"question": question}, "configuration_hash": "0", "seed": 7, "member": 0,
        "environment": {"python": "3", "machine": "?", "libraries": {}},
    }  # fmt: skip
    found = xr.Dataset(
        {
            "probability": ("repeat", [1e-4, 3e-4, 2e-4, 2e-4]),
            "variance": ("repeat", [1e-9] * 4),
            "levels": ("repeat", [10, 12, 11, 12]),
            "stage_count": ("repeat", [2, 2, 2, 2]),
            "killed": ("stage", [5, 5, 5, 48, 5, 5, 5, 5]),
            "complete": ("repeat", [1, 1, 1, 1]),
            "hits": ("repeat", [45] * 4),
        },
        attrs={"provenance": json.dumps(record)},
    )
    together = Estimate(
        probability=2e-4,
        error=4e-5,
        stated=3e-5,
        low=1e-4,
        high=4e-4,
        repeats=4,
        levels=11.2,
        extinct=2,
        complete=True,
    )
    monkeypatch.setattr(tails, "estimate", lambda data: together)
    text, part = tails.describe(found, 1e-3), tails.describe(found, 3e-4)
    close(line(text, "edge"), (1 / 2e-5, "ohm"))
    close(line(text, "probability").replace("95 %", ""), 2e-4, 1e-4, 4e-4)
    close(line(text, "standard error"), 4e-5, 4, 3e-5)
    close(line(text, "spent"), 50, 4, 11.2)
    close(line(text, "lost all").replace("as 0", ""), 2)
    close(line(text, "a stage took out"), (96, "%"))
    assert "below 0.001? yes" in text and "below 0.0003? not decided" in part

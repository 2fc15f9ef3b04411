"""Public measurements end in an answer: cards with a verdict, traces with a goodness, bakes with an interval.

The extracts of examples/measured, and the whole sets where FRENKEL_TABLES names the folder that
benchmarks/rram/tables.py has written. What is asked is that there is an answer and that it says what it
cannot show, not which; ``pytest -rP`` prints them, docs/measured.md quotes them.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm, spearmanr

from frenkel.analysis.fitting import noise_fit
from frenkel.analysis.measured import files
from frenkel.analysis.measured.loops import Readout
from frenkel.analysis.noise import trace
from frenkel.analysis.noise.answer import answer
from frenkel.analysis.reliability.bakes import fit_intervals
from frenkel.data.measured import series
from frenkel.experiment import measurements
from frenkel.experiment.fit_card import fit_card
from frenkel.reports.card import fit_text
from frenkel.reports.noise import answer_text
from frenkel.units import BOLTZMANN_EV

pytestmark = [pytest.mark.verification, pytest.mark.timeout(3600)]

EXAMPLES = Path(__file__).resolve().parents[1] / "examples" / "measured"
TABLES = Path(os.environ.get("FRENKEL_TABLES", "none"))
LATE = 1e4
"""When a relaxation that was read up to 100 s is looked at (s)."""


def table(name):
    path = next((one for one in (TABLES / name, EXAMPLES / name) if one.exists()), None)
    if path is None:
        # Who names the folder asks for all of it.
        give_up = pytest.fail if "FRENKEL_TABLES" in os.environ else pytest.skip
        give_up(f"no {name}: FRENKEL_TABLES must name the tables of `make measured`")
    return path


@pytest.mark.parametrize(
    ("name", "volts"),
    [("cycles", 0.1), ("loops", 0.3), ("cell", 0.1), ("sheet-devices", 0.1), ("sheet-cycles", 0.1)],
)
def test_cycles_give_a_card_and_a_verdict(name, volts):
    """A card that can be drawn from, rows of a gate, by what it was judged, and what that cannot show."""
    found = fit_card(measurements.of_file(table(f"{name}.csv.gz"), Readout(volts)), name=name, bootstrap=20)
    print(fit_text(found))
    judged = found.card.provenance["judged"]
    assert found.rows and judged["by"] != "nothing" and judged["cannot_show"]
    assert all(np.isfinite(drawn).all() for drawn in found.card.sample(3, 2, 1).values())


def test_loops_as_devices_of_one_loop_give_a_card():
    """All spread is given to the cycles, and the card says so."""
    data = measurements.of_file(table("loops.csv.gz"), Readout(0.3))
    names = [name for name in ("hrs", "lrs", "set_voltage", "reset_voltage") if name in data]
    turned = data[names].squeeze("device", drop=True).rename(cycle="device").expand_dims(cycle=[1])
    found = fit_card(turned.transpose("device", "cycle"), name="one loop each", bootstrap=20)
    print(fit_text(found))
    assert found.rows and "memory" in " ".join(found.card.provenance["judged"]["cannot_show"])


@pytest.mark.parametrize("number", range(5))
def test_traces_give_an_answer_with_its_goodness(number):
    """A slope of the spectrum and a drift of each; traps with a goodness of fit, or why there are none."""
    path = next(one for one in (TABLES / "traces-A.csv.gz", EXAMPLES / "traces.csv.gz") if one.exists())
    name, *columns = series.traces(files.read([path], kind="trace"), path.name)[number]
    found = answer(trace.from_arrays(*columns), 2)
    print(name, answer_text(found), sep="\n")
    assert np.isfinite([found.slope.value, found.drift]).all()
    assert found.refused if found.traps is None else np.isfinite(found.goodness.factor)
    assert found.traps is None or found.holds or "amplitude_interval" not in found.traps


@pytest.mark.parametrize("name", ["bake", "bake-A", "bake-B"])
def test_bakes_give_the_combination_that_is_identified(name):
    """An interval of energy over spread that holds what a line through the scores of the shares has, and what
    the fit has without any one of the temperatures."""
    path = table(f"{name}.csv.gz")
    kelvin, low, high = series.intervals(files.read([path]), path.name, 0.5)
    found = fit_intervals(kelvin, low, high)
    lines, x = [], 1.0 / (BOLTZMANN_EV * found.kelvin)
    for left in [(), *range(len(x))]:
        kept = np.delete(np.arange(len(x)), left)
        score = norm.ppf(found.failed[kept] / found.devices[kept])
        weight = norm.pdf(score) * np.sqrt(found.devices[kept] / (norm.cdf(score) * norm.sf(score)))
        lines.append(-np.polyfit(x[kept], score, 1, w=weight)[0])
    print(
        f"{name}: {100 * found.failed / found.devices} % failed; energy over spread {found.ratio:.3f} eV, "
        f"{found.ratio_interval[0]:.3f} to {found.ratio_interval[1]:.3f}; misfit p = {found.misfit:.2g}, "
        f"heterogeneity {found.heterogeneity:.3g}; lines, all and without each {np.round(lines, 3)}"
    )
    assert not found.identified and np.isfinite(found.ratio_interval).all()
    assert all(found.ratio_interval[0] < one < found.ratio_interval[1] for one in lines)


def test_a_relaxation_is_predicted_a_hundred_times_as_far():
    """Half of the middle 68 % of all cells at 10,000 s from reads up to 100 s: |ln ratio| at most 0.15.

    Of the cells that were read at all times, on which the law was fitted, and of those that lack the read at
    100 s, which it has never seen; of the latter each of eight bands of conductance, too: -0.14 to 0.13 when
    this was written, with a standard error of 0.04 to 0.08 of what was measured, so that a band fails by
    chance once it is more than two of these further.
    """
    path = table("relaxation-B.csv.gz")
    measured = files.read([path])
    data = noise_fit.of_members(measured, "relaxation")
    early = data.isel(time=data["time"].values < 300.0)
    law, _ = noise_fit.fit_relaxation(early)
    starts, unseen = data["start"].values, late_reads(measured, path.name)
    edges = np.quantile(starts, np.linspace(0, 1, 9))[1:-1]
    late = data["conductance"].sel(time=LATE, method="nearest").values
    for name, start, shift in (("fitted", starts, late - starts), ("unseen", *unseen)):
        drawn = [law.relax(start, LATE, np.random.default_rng(k)) - start for k in range(8)]
        off = [np.log(half(one) / half(shift)) for one in drawn]
        band = np.digitize(start, edges)
        bands = np.array(
            [[np.log(half(one[band == k]) / half(shift[band == k])) for k in range(8)] for one in drawn]
        ).mean(axis=0)
        print(f"{name}: {len(start)} cells, {law.growth}: {np.mean(off):+.2f}; bands {bands.round(2)}")
        assert abs(np.mean(off)) <= 0.15
    assert np.abs(bands).max() <= 0.15 + 2 * 0.08


FAR = {
    "relaxation-B": {"spread": 2, "tails": 2, "memory": 3},
    "foundry_b": {"spread": 2, "tails": 3, "memory": 3},
}
"""Of five levels, at how many reads up to 1 s predict the last one, as measured on 2026-12-02.

Asked for, and not reached: spread within 15 % at four, the fraction beyond four robust sigma within a factor
of 1.5 and the correlation of ranks of the shifts at 1 s and at last within 0.1 at all five. Between 1,000 and
10,000 s cells of 20 to 60 uS lose their ranks (0.75 a decade before, 0.05 to 0.3 then), which no earlier read
shows; a law of a fraction that jumps, growing in ln t, predicted the last read no better.
"""


@pytest.mark.parametrize("name", FAR)
def test_the_last_read_is_predicted_from_the_first_third_of_ln_t(name):
    """Nothing is worse than when it was measured; the law does not hold everywhere."""
    path = table(f"{name}.csv.gz")
    data = noise_fit.of_members(files.read([path]), "relaxation")
    early = data.isel(time=data["time"].values < 2.0)
    law, _ = noise_fit.fit_relaxation(early, scale="linear")
    start, g = data["start"].values, data["conductance"].values
    times = np.array([early["time"].values[-1], data["time"].values[-1]])
    number = min(500, len(start) // 16)
    low, high = np.quantile(start, (0.01, 0.99))
    held = dict.fromkeys(FAR[name], 0)
    for part in (0.1, 0.3, 0.5, 0.7, 0.9):
        near = np.argsort(np.abs(start - low - part * (high - low)))[:number]
        many = np.repeat(start[near], 40)
        drawn = law.relax(many, times, np.random.default_rng(0)) - many
        measured = (g[near][:, [early.sizes["time"] - 1, -1]] - start[near][:, None]).T
        size = half(drawn[1]) / half(measured[1]) - 1.0
        lasts = (drawn[1], measured[1])
        tails = [float(np.mean(np.abs(one - np.median(one)) > 4 * half(one))) for one in lasts]
        ranks = [float(spearmanr(*one).statistic) for one in (drawn, measured)]
        held["spread"] += abs(size) <= 0.15
        held["tails"] += abs(np.log(max(tails[0], 1e-4) / max(tails[1], 1e-4))) <= np.log(1.5)
        held["memory"] += abs(ranks[0] - ranks[1]) <= 0.1
        print(
            f"{name} {np.median(start[near]):.3g} S: spread {size:+.0%}, "
            f"tails {tails[0]:.3f} of {tails[1]:.3f}, memory {ranks[0]:.2f} of {ranks[1]:.2f}"
        )
    print(name, held)
    assert all(held[key] >= least for key, least in FAR[name].items())


def late_reads(data, name):
    """Return start and shift until 10,000 s (S) of the cells that lack a read, but not that one."""
    rows = []
    for _, _, _, time, g in series.each_rest(data, name):
        last = g[np.abs(np.log(np.maximum(time, 1e-9) / LATE)) < 0.25]
        if len(time) < 7 and len(last) and time[0] == 0:
            rows.append((g[0], last[-1] - g[0]))
    return np.array(rows).T


def half(values):
    """Return half of the middle 68 %."""
    low, high = np.quantile(values, (0.1587, 0.8413))
    return 0.5 * (high - low)


def test_pulses_give_a_card_that_predicts_programming():
    """A law of pulses, judged on cells held out; of cells in HRS most reach LRS in two of its SET pulses."""
    found = fit_card(measurements.of_file(table("pulses.csv.gz")), name="pulses", bootstrap=0)
    print(fit_text(found))
    assert sum("pulses" in row.statistic for row in found.rows) == 6 and found.passed
    law = found.card.pulse_law
    pulse = [(2.0, 2.0, 1e-6)]
    start = np.full(2000, 1e-5)
    number, _ = law.write_verify(start, (5e-5, 1.0), pulse, pulse, np.random.default_rng(1), most=4)
    print(f"within 1, 2, 4 pulses: {[float(np.mean((number >= 0) & (number <= k))) for k in (1, 2, 4)]}")
    assert np.mean((number >= 0) & (number <= 2)) > 0.8

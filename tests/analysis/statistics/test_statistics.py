"""Distributions with censoring, quantiles, bootstrap, Kaplan-Meier, weakest link, and when to stop."""

import heapq

import numpy as np
import pytest
import xarray as xr
from scipy import optimize, stats

from frenkel.analysis.statistics import distributions, sequential, statistics
from frenkel.analysis.statistics.statistics import Sample, Stopping, fit

SCIPY = {
    "weibull": stats.weibull_min(3.0, scale=2.0),
    "lognormal": stats.lognorm(0.4, scale=2.0),
    "normal": stats.norm(2.0, 0.3),
    "loglogistic": stats.fisk(5.0, scale=2.0),
    "clustering": stats.burr12(3.0, 1.5, scale=2.0 * 1.5 ** (1 / 3)),
}
PLANTED = {
    "weibull": (np.log(2.0), np.log(1 / 3)),
    "lognormal": (np.log(2.0), np.log(0.4)),
    "normal": (2.0, np.log(0.3)),
    "loglogistic": (np.log(2.0), np.log(1 / 5)),
    "clustering": (np.log(2.0), np.log(1 / 3), np.log(1.5)),
}
# The square of a distance in standard errors is chi-square; a limit with p = 1e-5 for each check.
FAR = {2: stats.chi2.isf(1e-5, 2), 3: stats.chi2.isf(1e-5, 3)}


def draw(family, number, seed):
    return SCIPY[family].rvs(size=number, random_state=np.random.default_rng(seed))


def censored(family, how, number, seed):
    """Return a sample in which about 40 % of the values are censored."""
    values = draw(family, number, seed)
    if how == "complete":
        return Sample.of(values)
    if how == "right":
        limit = SCIPY[family].ppf(np.random.default_rng(seed + 1).uniform(0.3, 1.0, number))
        return Sample.of(np.minimum(values, limit), right=values > limit)
    if how == "left":
        limit = SCIPY[family].ppf(0.4)
        return Sample.between(np.where(values < limit, -np.inf, values), np.maximum(values, limit))
    floor = np.floor(values / 0.25) * 0.25
    inside = np.arange(number) % 5 < 2
    return Sample.between(np.where(inside, floor, values), np.where(inside, floor + 0.25, values))


def distance(found, family):
    """Return the squared distance of a fit from the planted parameters, in standard errors."""
    here = np.array([found.location, np.log(found.scale), np.log(found.cluster)])[: len(PLANTED[family])]
    off = here - PLANTED[family]
    return off @ np.linalg.solve(found.covariance, off)


# ---- fits


@pytest.mark.parametrize("family", distributions.FAMILIES)
def test_complete_samples_are_fitted_as_scipy_does(family):
    values, fixed = draw(family, 200, 1), {} if family == "normal" else {"floc": 0}
    theirs = SCIPY[family].dist.fit(values, **fixed)
    ours = list(fit(values, family).parameters.values())
    shape, scale = theirs[0], theirs[-1]
    expected = {"normal": [shape, scale]}.get(family, [scale, shape])
    assert ours == pytest.approx(expected, rel=1e-4)  # scipy's search ends there


@pytest.mark.parametrize("how", ["right", "left", "interval"])
@pytest.mark.parametrize("family", distributions.FAMILIES)
def test_censored_samples_are_fitted_as_scipy_does(family, how):
    sample = censored(family, how, 200, 2)
    left = sample.low == -np.inf
    inside = ~sample.exact & ~sample.right & ~left
    data = stats.CensoredData(
        uncensored=sample.low[sample.exact],
        right=sample.low[sample.right],
        left=sample.high[left],
        interval=np.stack([sample.low[inside], sample.high[inside]], 1),
    )
    theirs = SCIPY[family].dist.fit(data, **({} if family == "normal" else {"floc": 0}))
    expected = list(theirs) if family == "normal" else [theirs[2], theirs[0]]
    assert list(fit(sample, family).parameters.values()) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("how", ["complete", "right", "left", "interval"])
@pytest.mark.parametrize("family", distributions.NAMES)
def test_the_log_likelihood_is_that_of_the_values(family, how):
    found = fit(censored(family, how, 60, 3), family)
    sample, numbers = found.sample, found.parameters
    if family == "clustering":
        c, d = numbers["shape"], numbers["cluster"]
        law = stats.burr12(c, d, scale=numbers["scale"] * d ** (1 / c)) if np.isfinite(d) else None
        law = law or stats.weibull_min(c, scale=numbers["scale"])
    else:
        first, second = numbers.values()
        law = {
            "weibull": stats.weibull_min(second, scale=first),
            "lognormal": stats.lognorm(second, scale=first),
            "normal": stats.norm(first, second),
            "loglogistic": stats.fisk(second, scale=first),
        }[family]
    total = law.logpdf(sample.low[sample.exact]).sum()
    rest = ~sample.exact
    total += np.log(law.cdf(sample.high[rest]) - law.cdf(sample.low[rest])).sum()
    assert found.log_likelihood == pytest.approx(total, rel=1e-9)
    assert found.cdf(sample.low[sample.exact]) == pytest.approx(law.cdf(sample.low[sample.exact]), rel=1e-9)
    assert found.aic == pytest.approx(2 * len(numbers) - 2 * total, rel=1e-9)


def test_the_covariance_of_a_lognormal_is_the_closed_form():
    values = draw("lognormal", 500, 4)
    found = fit(values, "lognormal")
    logs = np.log(values)
    assert [found.location, found.scale] == pytest.approx([logs.mean(), logs.std()], rel=1e-9)
    expected = np.diag([logs.var() / 500, 1 / 1000])
    assert found.covariance == pytest.approx(expected, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("how", ["complete", "right", "left", "interval"])
@pytest.mark.parametrize("family", distributions.NAMES)
def test_planted_parameters_are_recovered(family, how):
    """20 checks, each false with p = 1e-5; fails with censored values taken for exact ones, see below."""
    found = fit(censored(family, how, 4000, 5), family)
    assert distance(found, family) < FAR[len(PLANTED[family])]
    inside = [low <= found.parameters[name] <= high for name, (low, high) in found.intervals().items()]
    assert all(inside)


@pytest.mark.parametrize("family", distributions.FAMILIES)
def test_censored_values_taken_for_exact_ones_bias_a_fit(family):
    sample = censored(family, "right", 4000, 5)
    assert distance(fit(sample.low, family), family) > 10 * FAR[2]


def test_a_fit_does_not_depend_on_the_unit():
    """From femtoseconds to years."""
    values = draw("weibull", 100, 6)
    plain = fit(values)
    for unit in (1e-15, 1e8):
        scaled = fit(unit * values)
        assert scaled.parameters["shape"] == pytest.approx(plain.parameters["shape"], rel=1e-7)
        assert scaled.parameters["scale"] == pytest.approx(unit * plain.parameters["scale"], rel=1e-7)
        assert scaled.covariance == pytest.approx(plain.covariance, rel=1e-5)


def test_an_interval_ends_where_the_profile_likelihood_has_fallen_by_its_quantile():
    sample = censored("weibull", "right", 30, 7)
    found = fit(sample)
    cost = distributions._cost(sample, distributions.FAMILIES["weibull"])
    for end in found.intervals()["shape"]:
        profile = optimize.minimize_scalar(lambda at, end=end: cost(np.array([at, -np.log(end)])), (0.5, 1))
        assert profile.fun + found.log_likelihood == pytest.approx(stats.chi2.ppf(0.95, 1) / 2, rel=6e-3)
    quantile = found.quantiles(0.01)
    z = np.log(-np.log1p(-0.01))
    for end in (float(quantile.low[0]), float(quantile.high[0])):
        profile = optimize.minimize_scalar(
            lambda log, end=end: cost(np.array([np.log(end) - z * np.exp(log), log])), (-1.5, -0.5)
        )
        assert profile.fun + found.log_likelihood == pytest.approx(stats.chi2.ppf(0.95, 1) / 2, rel=6e-3)


# ---- clustering: V-04


def test_clustering_is_preferred_where_devices_differ_and_weibull_where_they_do_not():
    """A hazard that differs by a gamma-distributed factor gives the clustering law exactly.

    False with p < 1e-4: the likelihood ratio of the frozen sample is above 14 with p = 1e-4.
    """
    random = np.random.default_rng(9)
    waiting = random.exponential(size=2000)
    frozen = statistics.clustering_test(1e-6 * waiting**0.5)
    varied = statistics.clustering_test(1e-6 * (waiting / random.gamma(2.0, 0.5, 2000)) ** 0.5)
    assert varied.delta_aic > 10
    assert varied.p_value < 1e-6
    assert frozen.likelihood_ratio < 14
    assert frozen.delta_aic < 12
    assert abs(np.log(varied.cluster / 2.0)) < 1.0
    assert varied.shape == pytest.approx(2.0, rel=0.2)
    for found in (frozen, varied):  # at the edge: half of the samples have a ratio of 0
        ratio = float(found.likelihood_ratio)
        expected = 0.5 * stats.chi2.sf(ratio, 1) if ratio > 0 else 1.0
        assert float(found.p_value) == pytest.approx(expected, abs=0, rel=1e-9)
    # A Weibull fit takes the scatter between the devices for a shallower slope.
    assert varied.weibull_shape < 0.85 * varied.shape


def test_clustering_of_weibull_values_at_the_edge_is_weibull():
    """About half of the samples have their maximum there."""
    for seed in range(20):
        values = draw("weibull", 100, seed)
        found = fit(values, "clustering")
        plain = fit(values, "weibull")
        assert found.log_likelihood >= plain.log_likelihood
        if np.isinf(found.cluster):
            assert found.log_likelihood == plain.log_likelihood
            assert found.quantiles(0.1).high.item() == plain.quantiles(0.1).high.item()
            break
    else:
        pytest.fail("no sample had its maximum at Weibull's law")


def test_akaike_finds_the_family():
    """Planted among 2,000 values; the next best is off by more than 10."""
    for family in distributions.FAMILIES:
        others = [name for name in distributions.FAMILIES if name != family]
        ranked = statistics.compare(draw(family, 2000, 10))
        assert ranked.delta_aic.sel(family=family) == 0
        assert ranked.delta_aic.sel(family=others).min() > 10


# ---- weakest link and percolation, V-03


def test_x15_area_scales_a_weibull_scale():
    """X-15: three areas. Each check false with p < 1e-5; fails if the largest has 12 of its 16 parts."""
    shape, scales = 2.5, {}
    for area in (1, 4, 16):
        values = draw("weibull", 2000 * area, 11 + area).reshape(2000, area).min(axis=1)
        values = 2 * (values / 2) ** (3 / shape)
        found = fit(values)
        scales[area] = found
        law = statistics.weakest_link(stats.weibull_min(shape, scale=2).cdf(values), area)
        assert stats.kstest(law, "uniform").pvalue > 1e-5
    for area in (4, 16):
        off = scales[area].location - scales[1].location + np.log(area) / shape
        error = np.hypot(*(np.sqrt(scales[a].covariance[0, 0]) for a in (1, area)))
        assert abs(off) < 4.5 * error


def percolating(bonds, columns, number, seed):
    """Times at which the first of independent columns has all its bonds broken, each at rate 1."""
    top = np.random.default_rng(seed).random(number)
    return -np.log1p(-((-np.expm1(np.log1p(-top) / columns)) ** (1 / bonds)))


def test_x14_a_percolation_column_has_the_slope_of_its_bonds():
    """X-14, V-03: fits to percentiles 1-80 % of 500 devices. Fails for columns of one bond less."""
    bonds = np.arange(1, 6)
    slopes, scales = [], []
    for m in bonds:
        values = percolating(m, 200, 500, 20 + m)
        law = statistics.weakest_link((-np.expm1(-values)) ** m, 200)
        assert stats.kstest(law, "uniform").pvalue > 1e-5
        found = fit(Sample.of(values).within(*np.quantile(values, [0.01, 0.8])))
        slopes.append(found.parameters["shape"])
        # The bonds nearly break as t; the scale is that of (1 - exp(-t))^m = 1/200.
        scales.append(found.parameters["scale"] / -np.log1p(-(200 ** (-1 / m))))
        # Local slope of the law at its 1 % quantile, which the fit approaches from below for many columns.
        low = percolating_local_slope(m)
        assert 0.8 * low < slopes[-1] < m * 1.15
    assert np.corrcoef(bonds, slopes)[0, 1] ** 2 > 0.95
    assert scales == pytest.approx(np.ones(5), rel=0.15)
    assert percolating_local_slope(4, share=1e-12) == pytest.approx(4, rel=1e-2)


def percolating_local_slope(bonds, columns=200, share=0.5):
    """Return d ln(-ln(1 - F)) / d ln t of the law of columns at a share."""
    t = -np.log1p(-((-np.expm1(np.log1p(-share) / columns)) ** (1 / bonds)))
    times = t * np.array([0.999, 1.001])
    below = statistics.weakest_link((-np.expm1(-times)) ** bonds, columns)
    return np.diff(np.log(-np.log1p(-below)))[0] / np.diff(np.log(times))[0]


# ---- without a distribution


def test_kaplan_meier_of_the_remission_times():
    """6-MP arm of the leukaemia trial that textbooks work through (numbers and standard error recalled)."""
    times = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    lost = [0, 0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1]
    curve = statistics.kaplan_meier(Sample.of(times, right=np.array(lost, bool)))
    assert curve["value"].values.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert curve["at_risk"].values.tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert curve["events"].values.tolist() == [3, 1, 1, 1, 1, 1, 1]
    steps = 1 - curve["events"] / curve["at_risk"]
    assert curve["survival"].values == pytest.approx(np.cumprod(steps.values))
    assert curve["survival"].values == pytest.approx(
        [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448], abs=6e-4
    )
    deviation = np.sqrt(
        np.cumsum(curve["events"] / (curve["at_risk"] * (curve["at_risk"] - curve["events"])))
    )
    log = np.log(curve["survival"])
    factor = np.exp(stats.norm.ppf(0.975) * deviation / -log)
    assert curve["low"].values == pytest.approx((curve["survival"] ** factor).values)
    assert curve["high"].values == pytest.approx((curve["survival"] ** (1 / factor)).values)


def test_quantiles_are_order_statistics():
    values = draw("weibull", 700, 12)
    shares = [0.01, 0.1, 0.5, 0.9]
    found = statistics.quantiles(values, shares)
    assert found["value"].values == pytest.approx(np.quantile(values, shares, method="median_unbiased"))
    for share in shares:
        theirs = stats.quantile_test(values, p=share).confidence_interval(0.95)
        ours = found.sel(share=share)
        assert (ours["low"], ours["high"]) == (theirs.low, theirs.high)
    few = statistics.quantiles(values[:100], 0.01)
    assert few["low"] == -np.inf and np.isfinite(few["high"])


def test_quantiles_below_all_censored_values_need_no_fit():
    values = draw("weibull", 500, 13)
    limit = np.quantile(values, 0.6)
    sample = Sample.of(np.minimum(values, limit), right=values > limit)
    xr.testing.assert_equal(
        statistics.quantiles(sample, [0.1, 0.5]), statistics.quantiles(values, [0.1, 0.5])
    )
    assert statistics.quantiles(sample, 0.6)["high"] == np.inf
    early = Sample.of(values, right=np.arange(500) == np.argmin(values))
    with pytest.raises(ValueError, match="must not need values above a censored one"):
        statistics.quantiles(early, 0.6)
    unswitched = np.where(values > limit, np.inf, values)
    assert statistics.quantiles(unswitched, 0.9)["value"] == np.inf


def test_a_bootstrap_draws_whole_devices():
    values = draw("lognormal", 60, 15)
    alone = statistics.bootstrap(values, np.mean, resamples=500)
    together = statistics.bootstrap(np.repeat(values[:, None], 50, axis=1), np.mean, resamples=500)
    assert together == pytest.approx(alone)
    assert alone[0] == pytest.approx(values.mean())
    half = stats.norm.ppf(0.975) * values.std(ddof=1) / np.sqrt(60)
    assert (alone[2] - alone[1]) / 2 == pytest.approx(half, rel=0.15)


def run(rule, values):
    for member, value in enumerate(values):
        if rule.add(member, value):
            return rule.result
    raise AssertionError("did not stop")


def test_stopping_does_not_depend_on_the_order_of_arrival():
    """Quick devices first would give a quantile far too low."""
    values = draw("weibull", 3000, 17)
    expected = run(Stopping(share=0.1, width=0.2), values)
    assert expected.width <= 0.2 and expected.value == pytest.approx(SCIPY["weibull"].ppf(0.1), rel=0.1)
    rule = Stopping(share=0.1, width=0.2)
    for member in np.argsort(values):
        rule.add(int(member), values[member])
    assert rule.stopped and rule.result == expected


def test_stopping_looks_at_fixed_numbers_and_reports_the_interval_of_all_devices_then():
    values = draw("weibull", 5000, 18)
    rule = Stopping(share=0.5, width=0.05)
    result = run(rule, values)
    numbers = [100]
    while len(numbers) < len(rule.looks):
        numbers.append(int(np.ceil(1.25 * numbers[-1])))
    assert [look.number for look in rule.looks] == numbers
    found = statistics.quantiles(values[: result.number], 0.5)
    assert [result.value, result.low, result.high] == [
        float(found[name][0]) for name in ("value", "low", "high")
    ]
    assert all(look.width > 0.05 or look.expected > look.number for look in rule.looks[:-1])
    # Devices times the square of the wider interval over the width that is asked for; exact.
    last = rule.looks[-2]
    known, widths = values[: last.number], []
    for confidence in (0.95, sequential.CAREFUL):
        found = statistics.quantiles(known, 0.5, confidence)
        scale = stats.norm.ppf(0.975) / stats.norm.ppf(0.5 + confidence / 2)
        widths.append(float(found["high"][0] - found["low"][0]) * scale / last.value)
    assert last.expected == pytest.approx(last.number * (max(widths) / 0.05) ** 2, rel=1e-12)


def test_lost_and_unswitched_devices():
    values = draw("weibull", 4000, 19)
    rule = Stopping(share=0.1, width=0.2)
    given = [None if i % 10 == 0 else (np.inf if v > 2.5 else v) for i, v in enumerate(values)]
    result = run(rule, given)
    kept = [v for v in given[: rule._counted] if v is not None]
    assert result.number == len(kept)
    assert result.value == pytest.approx(np.quantile(kept, 0.1, method="median_unbiased"))
    unknown = Stopping(share=0.9, width=0.2)
    assert not any(unknown.add(i, np.inf) for i in range(300))


def arrivals(times, workers):
    """Return the members in the order in which they end, each taking its own time on one of the workers."""
    free, ends = [0.0] * workers, np.empty(len(times))
    for member, time in enumerate(times):
        ends[member] = heapq.heapreplace(free, free[0] + time) + time
    return np.argsort(ends)


def test_stopping_biases_little():
    """200 simulations of SET times, the longer ones longer to run on 64 workers.

    Mean within 0.1 + 4 standard errors, coverage within 4 of 95 % (each p < 1e-4). Fails if devices count
    as they arrive. What the looks cost is measured with more repetitions in the verification.
    """
    random, values, held = np.random.default_rng(20), [], 0
    for _ in range(200):
        times, rule = random.exponential(size=1500), Stopping(share=0.5, width=0.4)
        for member in arrivals(times, 64):
            if rule.add(int(member), times[member]):
                break
        values.append(rule.result.value)
        held += rule.result.low <= np.log(2) <= rule.result.high
    assert abs(np.mean(values) - np.log(2)) < (0.1 + 4 / np.sqrt(200)) * np.std(values)
    assert held / 200 > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 200)


# ---- pictures


def test_weibull_quantiles_lie_on_a_straight_line(tmp_path):
    from frenkel.analysis.plots import page
    from frenkel.analysis.plots import probability as statistics_plot

    values = SCIPY["weibull"].ppf((np.arange(100) + 0.5) / 100)
    points = statistics_plot.plotting_positions(values)
    assert points["share"].values == pytest.approx((np.arange(100) + 0.5) / 100)
    figure = statistics_plot.probability_plot(values, "weibull", label="SET voltage (V)")
    (axes,) = figure.axes
    x, y = axes.lines[0].get_data()
    assert y == pytest.approx(3 * np.log(x / 2))
    assert axes.get_xscale() == "log"
    target = page.save(figure, tmp_path / "weibull.png")
    assert target.stat().st_size > 10_000


@pytest.mark.parametrize("family", ["lognormal", "normal", "loglogistic"])
def test_probability_plots_are_drawn(family):
    from frenkel.analysis.plots import probability as statistics_plot

    figure = statistics_plot.probability_plot(censored(family, "right", 40, 21), family)
    (axes,) = figure.axes
    assert len(axes.collections) == 1
    assert "censored" in axes.get_legend().get_texts()[0].get_text()


# ---- what cannot be done is said in one sentence

GOOD = np.linspace(1.0, 2.0, 20)
ALL_CENSORED = Sample.of(GOOD, right=np.ones(20, bool))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: fit([]), "at least one value, got none"),
        (lambda: fit([1.0, np.nan, 2.0]), "must not be NaN, got 1 NaN of 3"),
        (lambda: fit([1.0]), "at least 2 different ones that are not censored for weibull, got 1"),
        (
            lambda: fit([1.0] * 9, "normal"),
            "at least 2 different ones that are not censored for normal, got 1",
        ),
        (lambda: fit(ALL_CENSORED), "at least 2 that are not censored, got 20 censored"),
        (lambda: fit([-1.0, 1.0, 2.0]), "must be above 0 for weibull, got -1"),
        (lambda: fit([0.0, 1.0, 2.0], "lognormal"), "must be above 0 for lognormal, got 0"),
        (
            lambda: fit(Sample.between([1, 0.5, 1.4], [2, 2.5, 1.6]), "normal"),
            "got bounds that all include 1.4",
        ),
        (lambda: fit([1.0, 2.0], "clustering"), "at least 3 different"),
        (lambda: fit(GOOD, "gamma"), "family must be one of weibull, lognormal"),
        (lambda: fit(GOOD).quantiles(1.0), "share must be above 0 and below 1, got 1"),
        (lambda: Sample.between([2.0], [1.0]), "low <= high with one of them finite, got low = 2"),
        (lambda: Sample.between([-np.inf], [np.inf]), "one of them finite"),
        (lambda: Sample.between([1.0, 2.0], [1.0]), "same length, got 2 and 1"),
        (lambda: Sample.of(GOOD, right=[True]), "right must have one flag for each value"),
        (lambda: statistics.kaplan_meier([]), "at least one value"),
        (lambda: statistics.kaplan_meier(ALL_CENSORED), "at least one that is not censored, got 20"),
        (
            lambda: statistics.kaplan_meier(Sample.between([1.0], [2.0])),
            "exact and right-censored values only",
        ),
        (lambda: statistics.quantiles([], 0.5), "at least one value, got none"),
        (lambda: statistics.quantiles([1.0, np.nan], 0.5), "must not be NaN, got 1 NaN of 2"),
        (lambda: statistics.quantiles(GOOD, 0.0), "share must be above 0 and below 1, got 0"),
        (lambda: statistics.bootstrap([1.0], np.mean), "at least 2 devices, got 1"),
        (lambda: statistics.bootstrap([1.0, np.nan], np.mean), "must not be NaN"),
        (lambda: statistics.bootstrap(np.ones(9), np.mean, resamples=50), "statistic must vary"),
        (lambda: statistics.weakest_link(0.5, 0.0), "ratio of the areas must be positive and finite, got 0"),
        (lambda: statistics.weakest_link(1.5, 2.0), "share must be between 0 and 1, got 1.5"),
        (lambda: Stopping(share=1.0, width=0.1), "share must be above 0 and below 1, got 1"),
        (lambda: Stopping(share=0.1, width=0.0), "width must be positive and finite, got 0"),
        (lambda: Stopping(share=0.1, width=0.1).add(0, np.nan), "value of member 0 must not be NaN"),
        (lambda: Stopping(share=0.1, width=0.1).add(-1, 1.0), "member must be one not yet given"),
        (lambda: Stopping(share=0.1, width=0.1).result, "no result before 100 devices"),
        (lambda: sequential.rank_interval(10, 0.5, 1.0), "confidence must be above 0 and below 1, got 1"),
    ],
)
@pytest.mark.filterwarnings("ignore::scipy.stats.DegenerateDataWarning")
def test_bad_input_is_refused_in_one_sentence(call, words):
    with pytest.raises(ValueError) as caught:
        call()
    message = str(caught.value)
    assert words in message
    assert "\n" not in message and len(message) < 220


def test_an_interval_must_not_end_among_censored_values():
    """The estimate lies below what was censored, the upper end of its interval above: refused."""
    values = np.arange(1.0, 21.0)
    censored = Sample.of([*values, 8.5], right=[*[False] * 20, True])
    assert float(statistics.quantiles(values, 0.25)["value"][0]) < 8.5
    with pytest.raises(ValueError, match="0.25 quantile must not need values above a censored one, got 10 "):
        statistics.quantiles(censored, 0.25)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_coverage_is_that_of_the_binomial_law(share):
    """The interval from rank l to h holds the quantile if l to h - 1 values lie below it; exact."""
    found = statistics.quantiles(np.arange(1.0, 41.0), share)
    low, high = int(found["low"][0]), int(found["high"][0])
    expected = sum(stats.binom.pmf(n, 40, share) for n in range(low, high))
    assert float(found["coverage"][0]) == pytest.approx(expected, rel=1e-12) and expected >= 0.95

"""Noise layers of cards: exact laws of telegraph noise and relaxation, and recovery of both from data."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from made_up_cards import made_up_card
from made_up_noise import RELAXATION, RTN, made_up_table

from frenkel.analysis.fitting import card_schema, gate_noise, noise_fit, relaxation_fit
from frenkel.analysis.fitting.observations import ObservationError
from frenkel.analysis.noise import markov
from frenkel.cells.card import Card, CardError, CardWarning
from frenkel.cells.noise import NoiseError, RelaxationLaw, RelaxationState


def test_cards_keep_their_noise(tmp_path):
    card = made_up_card(rtn_law=RTN, relaxation_law=RELAXATION)
    again = Card.load(card_schema.save(card, tmp_path / "a.json"))
    assert again.rtn_law == RTN and again.relaxation_law == RELAXATION
    assert again.to_dict() == card.to_dict()


def test_a_card_without_layers_has_no_noise():
    card = made_up_card()
    assert card.rtn_law is None
    with pytest.raises(CardError, match="has no layer of random telegraph noise"):
        card.rtn(1e-5, np.random.default_rng(0))
    with pytest.raises(CardError, match="has no layer of relaxation"):
        card.relax(1e-5, 1.0, np.random.default_rng(0))


def test_a_wrong_layer_is_no_card():
    from frenkel.cells.card import checksum

    data = made_up_card(rtn_law=RTN).to_dict()
    del data["checksum"]
    data["rtn"]["states"][0]["dispersion"] = 0.5
    with pytest.raises(
        CardError, match="rtn.states 1.dispersion must be greater than or equal to 1, got 0.5"
    ):
        Card.from_dict(data | {"checksum": checksum(data)})


def test_traps_follow_their_law():
    """Number, amplitude, times and their correlation; each within 4.5 errors (false alarm 7e-6 each)."""
    cells = 40000
    traps = RTN.draw(np.full(cells, 1e-5), np.random.default_rng(1))
    number = np.bincount(traps.cell, minlength=cells)
    assert abs(number.mean() - 2.0) < 4.5 * np.sqrt(3.0 / cells)
    # The fourth moment of this negative binomial: its variance scatters by about 3.0 sqrt(2.8/cells).
    assert abs(number.var() - 3.0) < 4.5 * 3.0 * np.sqrt(3.2 / cells)
    n = traps.cell.size
    for values, (mean, deviation) in ((traps.amplitude, (-1.5, 0.4)), (traps.low, (-4.0, 1.2))):
        assert abs(np.log(values).mean() - mean) < 4.5 * deviation / np.sqrt(n)
        assert abs(np.log(values).std() / deviation - 1) < 4.5 / np.sqrt(2 * n)
    joint = np.corrcoef(np.log(traps.high), np.log(traps.low))[0, 1]
    assert abs(joint - 0.6) < 4.5 * (1 - 0.36) / np.sqrt(n)


def test_between_states_the_law_is_interpolated():
    middle = np.sqrt(1e-5 * 1e-4)
    traps = RTN.draw(np.full(20000, middle), np.random.default_rng(2))
    assert abs(traps.cell.size / 20000 - 1.5) < 4.5 * np.sqrt(1.5 * 1.25 / 20000)
    assert RTN.noise(np.array([1e-6, middle, 1e-3])) == pytest.approx([0.01, 0.006, 0.002])


def test_advance_is_exact():
    """Share in the high state and its correlation in time against the two-state process (4.5 errors)."""
    state = replace(RTN.states[0], high=(np.log(2.0), 0.0), low=(np.log(1.0), 0.0), traps=1.0, dispersion=1.0)
    random = np.random.default_rng(3)
    traps = replace(RTN, states=(state,)).draw(np.full(200000, 1e-5), random)
    before, n = traps.is_high.copy(), traps.cell.size
    share = 2.0 / 3.0
    assert abs(before.mean() - share) < 4.5 * np.sqrt(share * (1 - share) / n)
    traps.advance(0.4, random)
    kept = np.exp(-0.4 * 1.5)
    for was, expected in ((True, share + (1 - share) * kept), (False, share - share * kept)):
        seen = traps.is_high[before == was]
        assert abs(seen.mean() - expected) < 4.5 * np.sqrt(expected * (1 - expected) / seen.size)
    assert traps.advance(0.0, random).is_high.shape == before.shape


def test_factor_adds_logarithms():
    traps = RTN.draw(np.full((3, 4), 1e-5), np.random.default_rng(4))
    traps.is_high[:] = True
    assert np.all(traps.factor() == 1.0)
    traps.is_high[:] = False
    expected = np.ones(12)
    for cell, amplitude in zip(traps.cell, traps.amplitude, strict=True):
        expected[cell] *= np.exp(-amplitude)
    assert traps.factor() == pytest.approx(expected.reshape(3, 4))


def test_times_are_activated():
    hot, cold = (RTN.draw(np.full(99, 1e-5), np.random.default_rng(5), t) for t in (350.0, 300.0))
    ratio = np.exp(0.5 / (1.380649e-23 / 1.602176634e-19) * (1 / 350 - 1 / 300))
    assert hot.high == pytest.approx(cold.high * ratio)
    with pytest.raises(NoiseError, match="has no activation energy"):
        replace(RTN, activation=0.0).draw(1e-5, np.random.default_rng(0), 350.0)


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_relaxation_follows_its_law(scale):
    """Mean, spread and correlation of the paths of one state (4.5 errors)."""
    law, n = replace(RELAXATION, scale=scale), 40000
    times = np.array([1.0, 10.0, 1e4])
    found = law.relax(np.full(n, 1e-5), times, np.random.default_rng(6))
    shift = np.log(found / 1e-5) if scale == "log" else found - 1e-5
    u = np.log(times)
    mean, width = -0.02 - 0.01 * u, 0.1 + 0.02 * u
    assert np.all(np.abs(shift.mean(axis=1) - mean) < 4.5 * width / np.sqrt(n))
    assert np.all(np.abs(shift.std(axis=1) / width - 1) < 4.5 / np.sqrt(2 * n))
    kept = np.exp(-0.1 * np.diff(u))
    seen = [np.corrcoef(shift[i], shift[i + 1])[0, 1] for i in (0, 1)]
    assert np.all(np.abs(seen - kept) < 4.5 * (1 - kept**2) / np.sqrt(n))


def test_relaxation_of_a_grid_and_with_temperature():
    random = np.random.default_rng(7)
    assert RELAXATION.relax(np.full((2, 3), 1e-5), 10.0, random).shape == (2, 3)
    assert RELAXATION.relax(np.full((2, 3), 1e-5), [10.0], random).shape == (1, 2, 3)
    # Hotter by the law is later: the same draw at the time that the hot cell stands for.
    factor = np.exp(1.0 / (1.380649e-23 / 1.602176634e-19) * (1 / 350 - 1 / 300))
    hot = RELAXATION.relax(np.full(5, 1e-5), 10.0, np.random.default_rng(8), 350.0)
    late = RELAXATION.relax(np.full(5, 1e-5), 10.0 / factor, np.random.default_rng(8))
    assert hot == pytest.approx(late)


def test_times_outside_of_the_data_warn():
    card = made_up_card(relaxation_law=RELAXATION, validity={"time": (1.0, 1e5)})
    with pytest.warns(CardWarning, match="time 1e\\+06 s lies outside the box"):
        card.relax(1e-5, 1e6, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: replace(RTN, states=RTN.states[::-1]), "ascend in conductance"),
        (lambda: replace(RTN, states=()), "states must be at least one"),
        (lambda: replace(RTN, temperature=0.0), "temperature must be above 0 K, got 0"),
        (lambda: replace(RTN, window=(1.0, 0.1)), "window must ascend"),
        (lambda: replace(RTN.states[0], correlation=1.5), "correlation must be from -1 to 1, got 1.5"),
        (lambda: replace(RELAXATION, scale="cube"), "scale must be one of log, linear"),
        (lambda: replace(RELAXATION, quantiles=(1.0,)), "must be as many and ascend"),
        (lambda: replace(RELAXATION, times=(1.0, 0.5)), "times must ascend"),
        (lambda: RTN.draw([1e-5, 0.0], np.random.default_rng(0)), "conductance must be above 0 S"),
        (lambda: RTN.draw(1e-5, np.random.default_rng(0)).advance(-1.0, np.random.default_rng(0)), "seconds"),
        (lambda: RELAXATION.relax(1e-5, [2.0, 1.0], np.random.default_rng(0)), "times must ascend"),
        (lambda: RELAXATION.relax(1e-5, 1e-3, np.random.default_rng(0)), "spread of the relaxation is below"),
    ],
)
def test_errors(make, message):
    with pytest.raises(NoiseError, match=message):
        make()


# --- fits -----------------------------------------------------------------------------------------------


def covered(law, intervals, prefix):
    """Return how many numbers of a law lie in their intervals, and how many there are."""
    inside = [
        intervals[name][0] <= value <= intervals[name][1]
        for state in law.states
        for name, value in noise_fit._numbers(state, f"{prefix} {state.name}").items()
        if intervals[name][1] > intervals[name][0]
    ]
    return sum(inside), len(inside)


def test_rtn_is_recovered():
    """Of 19 numbers with 95 % intervals at least 14 are covered (fewer: below 1e-4)."""
    law, intervals = noise_fit.fit_rtn(made_up_table(RTN, 600, 9), voltage=0.1, resamples=100)
    inside, number = covered(RTN, intervals, "rtn")
    assert number >= 17 and inside >= number - 5
    assert [state.name for state in law.states] == ["hrs", "lrs"] and law.window == (1e-4, 1.0)


def test_a_device_brings_its_own_traps():
    """Drawn eight times, device 3 alone decides: its numbers, exactly, without spread."""
    table = made_up_table(RTN, 40, 15)
    device = int(np.argmax(table["number"].values[:20]))
    own = table.isel(trap=np.flatnonzero(table["trap_device"].values == device))
    state = noise_fit._rtn_state(table, "hrs", np.full(8, device), 0.1)
    assert state.traps == own.sizes["trap"] and state.dispersion == 1.0
    for name in ("amplitude", "high", "low"):
        assert getattr(state, name)[0] == pytest.approx(np.log(own[name].values).mean())


def test_relaxation_is_recovered():
    """Of 8 fitted numbers at most 3 lie outside of 95 % intervals (more: 4e-4; fixed seed); forgetting."""
    start = np.repeat([1e-5, 1e-4], 500)
    time = np.geomspace(1.0, 1e5, 6)
    g = RELAXATION.relax(start, time, np.random.default_rng(10)).T
    data = relaxation_data(g, time, start)
    law, intervals = noise_fit.fit_relaxation(data, resamples=100)
    inside, number = covered(RELAXATION, intervals, "relaxation")
    assert number >= 8 and inside >= number - 3
    assert law.forgetting == pytest.approx(0.1, abs=0.02)
    assert len(law.scores) == relaxation_fit.SHAPE_KNOTS
    assert abs(np.interp(0.0, law.scores, law.quantiles)) < 0.2


def relaxation_data(g, time, start):
    return xr.Dataset(
        {
            "conductance": (("device", "time"), g, {"units": "S"}),
            "start": ("device", start, {"units": "S"}),
            "state": ("device", np.where(start < 5e-5, "hrs", "lrs")),
        },
        {"time": ("time", time, {"units": "s"})},
    )


def test_published_law_of_time():
    """Mean -0.089 ln t and spread 0.412 + 0.042 ln t uS at every conductance (arXiv 2502.04524)."""
    states = tuple(
        RelaxationState(name=name, conductance=g, location=(0.0, -0.089e-6), spread=(0.412e-6, 0.042e-6))
        for name, g in (("low", 10e-6), ("high", 90e-6))
    )
    law = RelaxationLaw(states=states, scale="linear", times=(1.0, 1e6))
    found = law.relax(np.full(20000, 30e-6), 3600.0, np.random.default_rng(11))
    assert np.mean(found) * 1e6 == pytest.approx(30 - 0.729, abs=4.5 * 0.76 / np.sqrt(20000))
    assert np.std(found) * 1e6 == pytest.approx(0.756, rel=4.5 / np.sqrt(40000))


def traces(numbers, seed):
    """Return measured traces with as many traps each, of 10 % and, the second, 25 % of the current."""
    step, rows = 1e-3, []
    for i, number in enumerate(numbers):
        if number == 0:
            random = np.random.default_rng([seed, i])
            rows.append(1e-6 + 2e-9 * random.standard_normal(3000))
            continue
        amplitude = [1e-7, 2.5e-7][:number]
        model = markov.additive(
            1e-6 - sum(amplitude), amplitude, [0.03, 0.05][:number], [0.02, 0.09][:number], 2e-9
        )
        rows.append(markov.simulate(model, step, 3000, seed + i)[0])
    return xr.Dataset(
        {"current": (("device", "sample"), np.array(rows), {"units": "A"})},
        {"time": ("sample", step * np.arange(3000), {"units": "s"})},
    )


def test_traps_of_traces():
    table = noise_fit.trap_table(traces([0, 1, 2, 1], 12), maximum=2)
    assert table["number"].values.tolist() == [0, 1, 2, 1]
    assert table["trap_device"].values.tolist() == [1, 2, 2, 3]
    expected = -np.log1p(-np.array([0.1, 0.25, 0.1, 0.1]))
    assert table["amplitude"].values == pytest.approx(expected, rel=0.05)
    # About 60 to 20 stays of each kind: 0.8 in ln is beyond 4 errors of the rarest.
    assert np.log(table["high"].values / [0.03, 0.05, 0.03, 0.03]) == pytest.approx(0.0, abs=0.8)


def test_a_step_counts_as_missing():
    data = traces([1], 13)
    data["current"][0, :1500] = 1e-6
    data["current"][0, 1500:] = 0.9e-6
    data["current"].values[:] += 1e-9 * np.random.default_rng(0).standard_normal(3000)
    assert np.isnan(noise_fit.trap_table(data, maximum=1)["number"].values[0])


def few():
    return relaxation_data(np.full((3, 3), 1e-5), np.array([1.0, 2.0, 3.0]), np.full(3, 1e-5))


def without_units():
    data = few()
    del data["conductance"].attrs["units"]
    return data


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: noise_fit.fit_relaxation(few()), "relaxation of state hrs needs at least 8 devices, got 3"),
        (lambda: noise_fit.fit_relaxation(few().assign(start=few()["start"] * np.nan)), "3 values are miss"),
        (lambda: noise_fit.fit_relaxation(without_units()), "conductance must have the units S, got none"),
        (lambda: noise_fit.fit_relaxation(few().drop_vars("start")), "the data need start over device"),
        (lambda: noise_fit.fit_relaxation(few().isel(time=slice(2))), "at least 3 ascending times"),
        (lambda: noise_fit.fit_rtn(made_up_table(RTN, 8, 1), voltage=0.1), "needs at least 8 devices, got 4"),
        (lambda: noise_fit.fit_rtn(made_up_table(RTN, 40, 1), voltage=0.0), "must not be 0 V"),
        (lambda: noise_fit.trap_table(xr.Dataset()), "the data need time over sample"),
    ],
)  # fmt: skip
def test_bad_data(make, message):
    with pytest.raises(ObservationError, match=message):
        make()


def test_parts_share_no_device_and_keep_their_traps():
    table = made_up_table(RTN, 100, 14)
    parts = noise_fit.split(table, 0.7, seed=1)
    assert [p.sizes["device"] for p in parts] == [70, 30]
    assert all(np.sum(p["state"].values == "hrs") == p.sizes["device"] / 2 for p in parts)
    for part in parts:
        counted = np.bincount(part["trap_device"].values, minlength=part.sizes["device"])
        assert np.array_equal(counted, part["number"].values)


# --- gate -----------------------------------------------------------------------------------------------


def test_gate_of_traps():
    """The law itself passes; times twenty times too short, or twice as many traps, do not."""
    table = made_up_table(RTN, 240, 20)
    rows = gate_noise.judge_rtn(table, made_up_card(rtn_law=RTN))
    assert all(row.passed and row.largest == 1.0 for row in rows)
    short = tuple(replace(s, high=(s.high[0] - 3.0, s.high[1])) for s in RTN.states)
    failed = failures(gate_noise.judge_rtn(table, made_up_card(rtn_law=replace(RTN, states=short))))
    assert failed == {"rtn hrs: times in the high state", "rtn lrs: times in the high state"}
    many = tuple(replace(s, traps=2 * s.traps) for s in RTN.states)
    failed = failures(gate_noise.judge_rtn(table, made_up_card(rtn_law=replace(RTN, states=many))))
    assert failed == {"rtn hrs: number of traps", "rtn lrs: number of traps"}


def test_gate_of_relaxation():
    """The law itself passes; a spread of half the size does not, nor ranks that are lost."""
    start = np.repeat([1e-5, 1e-4], 200)
    time = np.geomspace(1.0, 1e5, 4)
    data = relaxation_data(RELAXATION.relax(start, time, np.random.default_rng(21)).T, time, start)
    rows = gate_noise.judge_relaxation(data, made_up_card(relaxation_law=RELAXATION))
    assert all(row.passed and row.largest == (2.0 if "memory" in row.statistic else 1.0) for row in rows)
    half = tuple(replace(s, spread=(s.spread[0] / 3, s.spread[1] / 3)) for s in RELAXATION.states)
    wrong = made_up_card(relaxation_law=replace(RELAXATION, states=half))
    assert "relaxation hrs: last time" in failures(gate_noise.judge_relaxation(data, wrong))
    lost = made_up_card(relaxation_law=replace(RELAXATION, forgetting=50.0))
    failed = failures(gate_noise.judge_relaxation(data, lost))
    assert "relaxation hrs: last time" not in failed


def failures(rows):
    return {row.statistic for row in rows if not row.passed}


def test_gate_needs_the_layer_and_its_states():
    table = made_up_table(RTN, 40, 1)
    with pytest.raises(CardError, match="has no layer of random telegraph noise"):
        gate_noise.judge_rtn(table, made_up_card())
    one = made_up_card(rtn_law=replace(RTN, states=RTN.states[:1]))
    with pytest.raises(CardError, match="has no noise of state lrs, it has hrs"):
        gate_noise.judge_rtn(table, one)
    with pytest.raises(ObservationError, match="at least 16 held-out devices of state hrs, got 5"):
        gate_noise.judge_rtn(made_up_table(RTN, 10, 1), made_up_card(rtn_law=RTN))


def test_of_members():
    """Made up, three members of which one failed: a sweep of two samples, then rest in two states."""
    counts = np.array([6, 2, 6])
    time = np.array([0.0, 1.0, 1.0, 2.0, 5.0, 11.0] + [0.0, 1.0] + [0.0, 3.0, 3.0, 4.0, 7.0, 13.0])
    phase = np.array([0, 0, 1, 1, 1, 1] + [0, 0] + [0, 0, 1, 1, 1, 1])
    data = xr.Dataset(
        {
            "conductance": ("sample", np.arange(14.0) + 1.0),
            "current": ("sample", 0.1 * np.arange(14.0)),
            "time": ("sample", time),
            "phase": ("sample", phase),
            "sample_count": ("member", counts),
            "phases_count": ("member", [2, 1, 2]),
            "phase_step": ("phases", [0, 1, 0, 0, 1]),
            "step_kind": ("step", ["form", "constant"]),
            "step_name": ("step", ["form", "lrs"]),
            "status": ("member", [0, 1, 0]),
            "ambient_temperature": ((), 320.0),
        },
        {"member": [0, 1, 2]},
        {"frenkel_kind": "ensemble", "material": "HfO2-retention"},
    )
    found = noise_fit.of_members(data, "relaxation")
    assert found["start"].values.tolist() == [3.0, 11.0] and found["time"].values.tolist() == [1.0, 4.0, 10.0]
    assert found["conductance"].values.tolist() == [[4.0, 5.0, 6.0], [12.0, 13.0, 14.0]]
    assert found["state"].values.tolist() == ["lrs", "lrs"]
    assert found.attrs == {"material": "HfO2-retention", "temperature": 320.0}
    traces = noise_fit.of_members(data, "rtn")
    assert traces["current"].shape == (2, 4) and np.allclose(
        traces["current"].values[1], [1.0, 1.1, 1.2, 1.3]
    )
    assert noise_fit.of_members(found, "rtn") is found
    with pytest.raises(ObservationError, match="the ensemble has none"):
        noise_fit.of_members(data.assign(step_kind=("step", ["form", "set"])), "rtn")
    with pytest.raises(ObservationError, match="at the same times"):
        noise_fit.of_members(data.assign(time=("sample", time**2)), "rtn")
    with pytest.raises(ObservationError, match="keep = "):
        noise_fit.of_members(data.drop_vars("sample_count"), "rtn")


def test_a_state_is_written_out():
    """Conductance, number of traps with its dispersion, and white noise of a state; exact."""
    table = made_up_table(RTN, 120, 3)
    law, _ = noise_fit.fit_rtn(table, voltage=-0.2, temperature=300.0, resamples=2, seed=0)
    for state in law.states:
        rows = table["state"].values == state.name
        number, current = (table[name].values[rows] for name in ("number", "current"))
        assert state.conductance == pytest.approx(np.median(current) / 0.2, rel=1e-12)
        assert state.traps == pytest.approx(number.mean(), rel=1e-12)
        assert state.dispersion == pytest.approx(max(1.0, number.var(ddof=1) / number.mean()), rel=1e-12)
        assert state.noise == pytest.approx(np.median(table["noise"].values[rows] / current), rel=1e-12)
    assert max(state.dispersion for state in law.states) > 1.1

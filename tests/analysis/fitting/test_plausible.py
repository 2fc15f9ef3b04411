"""Nonsense is refused or flagged in 20 of 20 trials: mixed labels, times and units; what is right is not."""

import numpy as np
import pytest
import xarray as xr

from frenkel.analysis.fitting import core_fit, measured_noise, noise_fit, plausible
from frenkel.analysis.fitting.observations import ObservationError, build
from frenkel.analysis.measured import files
from frenkel.data.measured.table import TableError
from frenkel.experiment.fit_card import fit_card, judge_card
from frenkel.reports.card import next_lines

TRIALS = range(20)


def cycles(seed, devices=10, number=40):
    """Return HRS and LRS (ohm) of devices that differ and whose cycles remember."""
    random = np.random.default_rng(seed)
    values = np.empty((devices, number, 2))
    for i, (middle, spread) in enumerate(((11.5, 0.4), (9.0, 0.2))):
        own = middle + 0.2 * random.standard_normal((devices, 1))
        noise = random.standard_normal((devices, number))
        for k in range(1, number):
            noise[:, k] = 0.4 * noise[:, k - 1] + np.sqrt(1 - 0.16) * noise[:, k]
        values[:, :, i] = np.exp(own + spread * noise)
    return values


def observed(values):
    return build(["hrs", "lrs"], ["ohm", "ohm"], values)


def reads(seed, devices=80):
    """Return conductances after times, whose spread grows and whose cells remember."""
    random = np.random.default_rng(seed)
    times = np.array([0.01, 0.1, 1.0, 10.0, 100.0])
    start = np.exp(random.uniform(np.log(2e-5), np.log(6e-5), devices))
    shift = 0.02 * random.standard_normal((devices, 1)) * (1 + np.arange(5))
    shift += 0.005 * random.standard_normal((devices, 5))
    return xr.Dataset(
        {"conductance": (("device", "time"), start[:, None] * np.exp(shift), {"units": "S"}),
         "start": ("device", start, {"units": "S"})},
        {"time": ("time", times, {"units": "s"})},
    )  # fmt: skip


def test_what_is_right_passes():
    for seed in TRIALS:
        plausible.check(observed(cycles(seed)))
        assert plausible.doubts(observed(cycles(seed))) == []
        assert plausible.doubts_of_reads(reads(seed), "reads") == []
        assert plausible.doubts(observed(cycles(seed, devices=3))) == []


def test_labels_of_devices_mixed_among_cycles_are_flagged():
    """20 of 20."""
    flagged = 0
    for seed in TRIALS:
        values = cycles(seed)
        order = np.random.default_rng([seed, 1]).permutation(values.shape[0] * values.shape[1])
        flagged += bool(plausible.doubts(observed(values.reshape(-1, 2)[order].reshape(values.shape))))
    assert flagged == 20


def test_labels_of_devices_mixed_among_reads_are_refused():
    """20 of 20."""
    for seed in TRIALS:
        data = reads(seed)
        mixed = np.random.default_rng([seed, 2]).permuted(data["conductance"].values, axis=0)
        data["conductance"].values[:] = mixed
        with pytest.raises(ObservationError, match="reads may belong to other devices"):
            noise_fit.fit_relaxation(data, resamples=0)


def test_names_of_states_mixed_up_are_refused():
    """HRS and LRS change places in a fifth of the cycles: 20 of 20."""
    for seed in TRIALS:
        values = cycles(seed)
        swapped = np.random.default_rng([seed, 3]).random(values.shape[:2]) < 0.2
        values[swapped] = values[swapped][:, ::-1]
        with pytest.raises(ObservationError, match="is below LRS in .* mixed up"):
            plausible.check(observed(values))


def test_times_mixed_within_devices_are_flagged():
    """20 of 20."""
    flagged = 0
    for seed in TRIALS:
        data = reads(seed)
        mixed = np.random.default_rng([seed, 4]).permuted(data["conductance"].values, axis=1)
        data["conductance"].values[:] = mixed
        flagged += bool(plausible.doubts_of_reads(data, "reads"))
    assert flagged == 20


def text_of_loops(random):
    """Return four loops of a resistor that switches, whose times are mixed up."""
    volts = np.concatenate([np.linspace(0, 1, 20), np.linspace(1, -1, 40), np.linspace(-1, 0, 20)])
    ohms = np.where(np.arange(80) < 15, 1e5, np.where(np.arange(80) < 50, 1e3, 1e5))
    lines = ["cycle,time (ms),voltage (V),current (uA)"]
    for cycle in range(1, 5):
        time = random.permutation(80)
        rows = zip(time, volts, 1e6 * volts / ohms, strict=True)
        lines += [f"{cycle},{t},{v:.4g},{i:.4g}" for t, v, i in rows]
    return "\n".join(lines) + "\n"


def test_times_mixed_within_loops_and_traces_are_refused(tmp_path):
    """20 of 20 of each."""
    for seed in TRIALS:
        random, path = np.random.default_rng(seed), tmp_path / f"t{seed}.csv"
        path.write_text(text_of_loops(random))
        with pytest.raises(ObservationError, match="times do not ascend in 4 of 4 loops"):
            core_fit.of_loops(files.read([path]), 16)
        time = random.permutation(40)
        path.write_text("time (s),current (nA)\n" + "".join(f"{t},{40 + t % 3}\n" for t in time))
        with pytest.raises(TableError, match="ascend"):
            files.read([path])


def test_units_of_some_devices_are_refused():
    """Some devices in kohm: 20 of 20."""
    for seed in TRIALS:
        values = cycles(seed)
        other = np.random.default_rng([seed, 5]).permutation(10)[: 1 + seed % 8]
        values[other] /= 1e3
        with pytest.raises(ObservationError, match="are units mixed"):
            plausible.check(observed(values))


UNITS = [
    "voltage (A),current (V)\n{a},{b}\n{b},{a}\n{a},{a}\n",
    "device,cycle,hrs (V),lrs (V)\na,1,{a},{b}\na,2,{a},{b}\na,3,{a},{a}\n",
    "device,cycle,V_SET (ohm),hrs (ohm)\na,1,{a},{b}\na,2,{a},{b}\na,3,{a},{a}\n",
    "device,time (s),conductance (s)\na,{a},{b}\na,{b},{b}\na,{a},{a}\n",
    "device,width (V),voltage (ns),R (ohm)\na,{a},{b},1\na,{b},{b},2\na,{a},{a},3\n",
]


@pytest.mark.parametrize("trial", TRIALS)
def test_swapped_units_are_refused(tmp_path, trial):
    """20 of 20: four draws of five tables whose units are not of their quantities."""
    a, b = np.random.default_rng(trial).uniform(0.1, 5.0, 2)
    path = tmp_path / "table.csv"
    path.write_text(UNITS[trial % len(UNITS)].format(a=f"{a:.3g}", b=f"{b:.3g}"))
    with pytest.raises((TableError, ObservationError)):
        fit_card(path, bootstrap=0)


def test_siemens_for_ohm_is_refused_by_fit_and_validate(tmp_path):
    """Resistances under a unit of conductance become their inverses, so that HRS is below LRS."""
    values = cycles(1, devices=6, number=12)
    rows = [f"{d},{c + 1},{high:.5g},{low:.5g}" for d, device in enumerate(values)
            for c, (high, low) in enumerate(device)]  # fmt: skip
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("\n".join(["device,cycle,hrs (ohm),lrs (ohm)", *rows]) + "\n")
    bad.write_text("\n".join(["cell,cycle,hrs (S),lrs (S)", *rows]) + "\n")
    with pytest.raises(ObservationError, match="is below LRS in 100%"):
        fit_card(bad, bootstrap=0)
    card = fit_card(good, bootstrap=0).card
    with pytest.raises(ObservationError, match="is below LRS in 100%"):
        judge_card(card, bad)


def test_a_doubt_is_in_the_card(tmp_path):
    path = tmp_path / "reads.csv"
    data = reads(3)
    mixed = np.random.default_rng(5).permuted(data["conductance"].values, axis=1)
    lines = ["device,time (s),conductance (uS)"]
    for k, row in enumerate(mixed):
        lines.append(f"{k},0,{1e6 * float(data['start'][k]):.6g}")
        lines += [f"{k},{t:g},{1e6 * g:.6g}" for t, g in zip(data["time"].values, row, strict=True)]
    path.write_text("\n".join(lines) + "\n")
    assert plausible.doubts_of_reads(measured_noise.relaxation(files.read([path])), "reads")
    card = fit_card(path, bootstrap=0).card
    assert [line for line in next_lines(card) if line.startswith("doubtful: shifts of reads.csv")]

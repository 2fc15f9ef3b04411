"""A chip that runs a network: exact limits, signs, tiles, slices, converters, costs and errors."""

import contextlib
import math
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from frenkel.array.crossbar import Crossbar
from frenkel.array.lines import bias
from frenkel.array.lines.network import Lines
from frenkel.array.periphery import NEURRAM, Converter, neurram
from frenkel.cells.resistors import LinearCells
from frenkel.networks import metrics as network_metrics
from frenkel.networks.chip import Chip, ChipDesign, _quantised, wired
from frenkel.networks.cost import inference, refresh_share, scheduled, writing
from frenkel.networks.device_statistics import placeholder
from frenkel.networks.mapping import ARCHITECTURES, MAPPINGS, decode, encode, slices_of, tiles_of
from frenkel.networks.metrics import by_harness, harness_missing, metrics
from frenkel.networks.write_verify import StatisticalWriteVerify

IDEAL = placeholder(variability=0.0, read_noise=0.0, rtn_amplitude=0.0, drift_mean=0.0, drift_spread=0.0)
RANDOM = np.random.default_rng(1)
WEIGHTS = [RANDOM.standard_normal((20, 12)), RANDOM.standard_normal((12, 5))]
BIASES = [RANDOM.standard_normal(12), RANDOM.standard_normal(5)]
X = RANDOM.random((7, 20))
EXACT = np.maximum(X @ WEIGHTS[0] + BIASES[0], 0.0) @ WEIGHTS[1] + BIASES[1]


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_without_lines_and_noise_a_chip_is_the_network(architecture, mapping):
    chip = Chip(IDEAL, architecture, mapping=mapping)
    chip.program(WEIGHTS, BIASES)
    assert chip.run(X) == pytest.approx(EXACT, rel=1e-11, abs=1e-11)
    assert len(chip.tiles) == 2


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_tiles_change_nothing(mapping):
    chip = Chip(IDEAL, mapping=mapping, rows=6, columns=5)
    chip.program(WEIGHTS, BIASES)
    assert chip.run(X) == pytest.approx(EXACT, rel=1e-11, abs=1e-11)
    per_tile = {"pair": 2, "reference": 4, "offset": 5}[mapping]
    assert len(chip.tiles) == 4 * math.ceil(12 / per_tile) + 2 * math.ceil(5 / per_tile)
    assert len(list(tiles_of(20, 12, mapping, 6, 5))) == 4 * math.ceil(12 / per_tile)


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize(("slices", "bits"), [(1, 6), (2, 7), (4, 9)])
def test_slices_add_up_to_rounded_weights(mapping, slices, bits):
    w = RANDOM.uniform(-1.0, 1.0, (9, 4))
    parts = slices_of(w, mapping, slices, bits)
    assert len(parts) == slices
    assert all(np.abs(part).max() <= 1.0 for _, part in parts)
    total = sum(scale * part for scale, part in parts)
    # A whole number of bits per slice may give a finer grid than asked for, not a coarser one.
    step = 2.0 / (2**bits - 1) if mapping != "pair" else 1.0 / (2 ** (bits - 1) - 1)
    assert np.abs(total - w).max() <= 0.5 * step + 1e-12


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_a_chip_of_many_slices_is_the_network(mapping):
    chip = Chip(IDEAL, mapping=mapping, slices=4, weight_bits=21, rows=16)
    chip.program(WEIGHTS, BIASES)
    assert chip.run(X) == pytest.approx(EXACT, abs=1e-3)
    assert len(chip.tiles) == 4 * 3


def test_cells_kept_of_a_time_are_those_of_their_last_programming():
    """Runs at a time that was asked for before, at another one, and of cells programmed again."""
    device = placeholder(read_noise=0.0, rtn_amplitude=0.0)
    asked, fresh = (Chip(device, seed=4) for _ in range(2))
    for chip in (asked, fresh):
        chip.program(WEIGHTS, BIASES)
    early, late = asked.run(X, 0.0), asked.run(X, 1e5)
    assert np.array_equal(fresh.run(X, 1e5), late) and not np.allclose(early, late)
    assert np.array_equal(asked.run(X, 0.0), early)
    for chip in (asked, fresh):
        chip.refresh()
    assert not np.allclose(asked.run(X, 0.0), early)
    assert np.array_equal(asked.run(X, 1e5), fresh.run(X, 1e5))


def test_encoding_and_decoding_undo_each_other_with_axes_in_front():
    w = RANDOM.uniform(-1.0, 1.0, (3, 2, 6, 4))
    for mapping in MAPPINGS:
        g = encode(w, mapping, 1e-6, 1e-4)
        assert g.min() >= 1e-6 * (1 - 1e-12) and g.max() <= 1e-4 * (1 + 1e-12)
        assert decode(g, mapping, 1e-6, 1e-4) == pytest.approx(w, abs=1e-12)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 1.0])
def test_pairs_reject_what_both_cells_share(correlation):
    """A-07: Var(G+ - G-) = 2 sigma^2 (1 - rho), exactly for noises made orthogonal."""
    n = 4000
    noise = np.linalg.qr(RANDOM.standard_normal((n, 3)) - 0.0)[0] * math.sqrt(n)
    shared, one, other = noise.T
    a, b = math.sqrt(correlation), math.sqrt(1.0 - correlation)
    sigma = 1e-7
    g = encode(np.zeros((n, 1)), "pair", 1e-6, 1e-4)
    g[:, 0] += sigma * (a * shared + b * one)
    g[:, 1] += sigma * (a * shared + b * other)
    w = decode(g, "pair", 1e-6, 1e-4)[:, 0] * (1e-4 - 1e-6)
    assert np.mean(w**2) == pytest.approx(2.0 * sigma**2 * (1.0 - correlation), rel=1e-9, abs=1e-26)


def test_a_common_factor_scales_the_weight_and_not_its_zero():
    """A-07, second half: of a pair and of a reference column; an offset taken off digitally is moved."""
    w = np.array([[0.0, 0.5]])
    for mapping in MAPPINGS:
        g = 1.1 * encode(w, mapping, 1e-6, 1e-4)
        found = decode(g, mapping, 1e-6, 1e-4)[0]
        zero = 0.0 if mapping != "offset" else 0.1 * (1e-4 + 1e-6) / (1e-4 - 1e-6)
        assert found == pytest.approx([zero, 0.55 + zero], abs=1e-12)


def test_lines_without_resistance_give_the_plain_product():
    g = RANDOM.uniform(1e-6, 1e-4, (2, 8, 6))
    assert wired(g, 1e-9) == pytest.approx(g, rel=1e-9)
    with_lines = wired(g, 10.0)
    assert (with_lines.sum() < g.sum()) and with_lines.shape == g.shape


def test_lines_of_a_chip_obey_kirchhoff():
    chip = Chip(IDEAL, "2T2R", wire_resistance=5.0)
    chip.program([WEIGHTS[0]])
    g = chip.tiles[0].conductance[0]
    crossbar = Crossbar(LinearCells(g), Lines(shape=g.shape, word_resistance=5.0, bit_resistance=5.0))
    found = crossbar.solve(bias.multiply(0.2 * X[0], g.shape[1]))
    assert found.residual < 1e-9 * np.abs(found.current).max()
    sums = decode(found.sensed / 0.2, "pair", IDEAL.g_min, IDEAL.g_max)
    assert chip.run(X[:1])[0] == pytest.approx(sums * chip.scales[0], rel=1e-8)


@pytest.mark.parametrize("low", [0.0, -1.0])
def test_inputs_are_on_the_grid_of_their_converter(low):
    """4 bits: 15 steps from 0 to the largest of each vector; with negative inputs 7 steps to either side."""
    x = np.random.default_rng(2).uniform(low, 1.0, (5, 20))
    largest, steps = np.abs(x).max(axis=1, keepdims=True), 15 if low == 0.0 else 7
    chip = Chip(IDEAL, dac_bits=4)
    chip.program([WEIGHTS[0]])
    exact = np.rint(x / largest * steps) / steps * largest @ WEIGHTS[0]
    np.testing.assert_allclose(chip.run(x), exact, rtol=1e-10, atol=1e-10)


def test_hidden_layers_take_their_inputs_without_a_sign():
    """Whatever the inputs of the first layer: 15 steps for rectified sums."""
    x = np.random.default_rng(2).uniform(-1.0, 1.0, (5, 20))
    chip = Chip(IDEAL, dac_bits=4)
    chip.program(WEIGHTS, BIASES)
    now = x
    for layer, steps in enumerate((7, 15)):
        largest = np.abs(now).max(axis=1, keepdims=True)
        sums = np.rint(now / largest * steps) / steps * largest @ WEIGHTS[layer] + BIASES[layer]
        now = np.maximum(sums, 0.0)
    np.testing.assert_allclose(chip.run(x), sums, rtol=1e-10, atol=1e-10)


def test_ranges_of_converters_are_the_largest_sums_of_ideal_cells():
    """Of every tile for the inputs of calibration, biases of the layer before included."""
    chip = Chip(IDEAL, rows=12)
    chip.program(WEIGHTS, BIASES, calibration=X)
    now = X
    found = []
    for w, b in zip(WEIGHTS, BIASES, strict=True):
        largest = now.max(axis=1, keepdims=True)
        for rows in range(0, len(w), 12):
            part = slice(rows, rows + 12)
            found.append(np.abs(now[:, part] / largest @ w[part] / np.abs(w).max()).max())
        now = np.maximum(now @ w + b, 0.0)
    assert [tile.full_scale for tile in chip.tiles] == pytest.approx(found, rel=1e-10)
    plain = Chip(IDEAL, rows=12)
    plain.program(WEIGHTS, BIASES)
    worst = np.abs(WEIGHTS[0][:12] / np.abs(WEIGHTS[0]).max()).sum(axis=0).max()
    assert plain.tiles[0].full_scale == pytest.approx(worst, rel=1e-10)


def test_every_tile_and_copy_drifts_by_exponents_of_its_own():
    chip = Chip(IDEAL.changed(drift_mean=0.05, drift_spread=0.02), copies=2, rows=10)
    chip.program([WEIGHTS[0]])
    one, two = (tile.exponents for tile in chip.tiles)
    assert one.shape == two.shape == (2, 10, 24)
    assert np.all(one != two) and np.all(one[0] != one[1])
    aged = [t.conductance * 1e4**-t.exponents for t in chip.tiles]
    sums = [decode(g, "pair", IDEAL.g_min, IDEAL.g_max) for g in aged]
    exact = X @ np.concatenate(sums, axis=1) * chip.scales[0]
    np.testing.assert_allclose(chip.run(X, 1e4), exact, rtol=1e-9, atol=1e-9)


def test_a_gain_is_that_of_each_array():
    """Each array by its own sum of conductances at programming over that of now."""
    chip = Chip(IDEAL.changed(drift_mean=0.05, drift_spread=0.02), rows=10)
    chip.program([WEIGHTS[0]])
    exact = 0.0
    for tile in chip.tiles:
        aged = tile.conductance * 1e4**-tile.exponents
        gain = tile.conductance.sum() / aged.sum()
        exact = exact + gain * X[:, tile.rows] @ decode(aged, "pair", IDEAL.g_min, IDEAL.g_max)[0]
    np.testing.assert_allclose(chip.run(X, 1e4, compensate=True), exact * chip.scales[0], rtol=1e-9)


def test_peak_of_a_chip_has_every_cell_at_work_on_a_weight_of_its_own():
    """Two operations for each pair of 16 x 8 cells in every array; slices of a weight do the work of one."""
    for slices, tiles in ((1, 2), (2, 4)):
        chip = Chip(IDEAL, rows=16, columns=8, slices=slices, weight_bits=5)
        chip.program([WEIGHTS[0][:, :4]])
        chip.run(X)
        cost = inference(chip)
        assert len(chip.tiles) == tiles and cost.operations == 2 * 20 * 4
        assert cost.peak_operations == pytest.approx(2 * 16 * 4 * 2)
        assert cost.peak_density == pytest.approx(2 * 16 * 4 * 2 / cost.latency / cost.total_area / 1e18)
        assert cost.density == pytest.approx(2 * 20 * 4 / cost.latency / cost.total_area / 1e18)
        assert cost.efficiency == pytest.approx(2 * 20 * 4 / cost.total / 1e12)
        of_cells = 2 * 16 * 4 * 2 / cost.latency / cost.area["cells"] / 1e18
        assert cost.table()["peak density, cells alone"] == (pytest.approx(of_cells), "TOPS/mm2")
        # 16 x 4 pairs of 32 F2 in each array.
        assert cost.area["cells"] == pytest.approx(32 * 16 * 4 * tiles * (105e-9) ** 2)


def test_energy_of_writing_is_that_of_pulses_reads_and_conversions():
    chip = Chip(IDEAL, copies=2)
    chip.program([WEIGHTS[0]], scheme=StatisticalWriteVerify(step_noise=0.0))
    w = chip.written
    cost = writing(chip, voltage=1.2, width=20e-9, read_width=5e-9)
    energy = 1.2**2 * 20e-9 * w.pulse_sum + 0.2**2 * 5e-9 * w.read_sum + w.reads * Converter().energy
    assert cost.energy == pytest.approx(energy / 2)
    assert (cost.pulses, cost.reads) == (w.pulses / w.cells, w.reads / w.cells)
    assert w.cells == 2 * 20 * 24 and 0 < w.failed < w.cells  # steps of 5 % and a tolerance of 2 %


def test_converters_are_as_fine_as_their_bits():
    for bits in (6, 8, 10):
        chip = Chip(IDEAL, adc_bits=bits)
        chip.program([WEIGHTS[0]], calibration=X)
        step = chip.tiles[0].full_scale / (2 ** (bits - 1) - 1) * chip.scales[0] * X.max(axis=1)[:, None]
        assert (np.abs(chip.run(X) - X @ WEIGHTS[0]) <= 0.5 * step + 1e-12).all()
        assert chip.saturated == 0.0
    chip.run((WEIGHTS[0].T > 0.0).astype(float))  # the largest sum of every column
    assert chip.saturated > 0.0


def test_noise_of_reads_adds_up_in_squares_along_columns():
    device = IDEAL.changed(read_noise=0.01)
    chip = Chip(device, copies=3000)
    chip.program([WEIGHTS[0]])
    seen = chip.run(X[:1])[:, 0]
    v = X[0] / X[0].max()
    # Both cells of a pair: sqrt(2) 0.01 g_max |v| over the window, in units of the weights.
    unit = chip.scales[0] * X[0].max() / (device.g_max - device.g_min)
    expected = np.sqrt(2.0) * 0.01 * device.g_max * np.linalg.norm(v) * unit
    # 36 000 numbers; 4.5 standard errors of a deviation, 7e-6.
    assert (seen - seen.mean(axis=0)).std() == pytest.approx(
        expected, rel=4.5 / np.sqrt(2 * seen.size) + 4e-4
    )


def test_drift_of_all_cells_alike_is_undone_by_a_gain():
    device = IDEAL.changed(drift_mean=0.1)
    chip = Chip(device, copies=2)
    chip.program(WEIGHTS, [np.zeros(12), np.zeros(5)])
    ideal = chip.run(X)
    assert chip.run(X, 1e6) == pytest.approx(ideal * (1e6**-0.1) ** 2)
    assert chip.run(X, 1e6, compensate=True) == pytest.approx(ideal)


def test_copies_differ_and_seeds_repeat():
    chip = Chip(None, copies=3, seed=4)
    chip.program(WEIGHTS, BIASES)
    first = chip.run(X)
    assert first.shape == (3, 7, 5) and not np.allclose(first[0], first[1])
    again = Chip(None, copies=3, seed=4)
    again.program(WEIGHTS, BIASES)
    assert np.array_equal(first, again.run(X))


def test_refreshing_counts_and_starts_anew():
    device = IDEAL.changed(drift_mean=0.05)
    chip = Chip(device)
    chip.program(WEIGHTS, BIASES, StatisticalWriteVerify(tolerance=1e-3, step_noise=0.0, pulses="amplitude"))
    pulses = chip.written.pulses
    near = np.abs(chip.run(X) - EXACT).max()
    assert chip.refresh().times == 2 and chip.written.pulses == 2 * pulses
    assert np.abs(chip.run(X) - EXACT).max() == near
    cost = writing(chip)
    assert cost.pulses == pytest.approx(pulses / (chip.written.cells / 2))
    # Cells are written in turn: pulses of 1 + 50 ns, reads of 1 + 10 + 9 ns, arrays at the same time.
    share = chip.tiles[0].target.size / sum(t.target.size for t in chip.tiles)
    assert cost.time == pytest.approx((51e-9 * chip.written.pulses + 20e-9 * chip.written.reads) / 2 * share)


def test_energies_add_up_and_count_the_cells_there_are():
    chip = Chip(IDEAL, "2T2R")
    chip.program(WEIGHTS, BIASES)
    chip.run(X)
    cost = inference(chip)
    assert cost.total == math.fsum(cost.energy.values())
    assert cost.label == "modelled" and cost.operations == 2 * (20 * 12 + 12 * 5)
    assert cost.energy_delay == cost.total * cost.latency
    v = X / X.max(axis=1, keepdims=True)
    hidden = np.maximum(X @ WEIGHTS[0] + BIASES[0], 0.0)
    u = hidden / hidden.max(axis=1, keepdims=True)
    power = sum(
        float(((0.2 * a) ** 2 @ t.conductance[0].sum(axis=1)).mean())
        for a, t in zip((v, u), chip.tiles, strict=True)
    )
    assert cost.energy["cells"] == pytest.approx(power * 10e-9)
    # Pairs are subtracted before conversion: 12 and 5 conversions.
    assert cost.energy["converter"] == pytest.approx(17 * Converter(bits=8).energy)


def test_inputs_bit_by_bit_take_the_power_of_their_ones():
    chip = Chip(IDEAL, "1T1R", dac_bits=2)
    chip.program([np.ones((2, 1))])
    chip.run(np.array([[1.0, 1.0 / 3.0]]))  # 3 = 11 and 1 = 01
    g = chip.tiles[0].conductance[0].sum(axis=1)
    assert chip.cell_power[0] == pytest.approx(0.2**2 * (g[0] * 1.0 + g[1] * 0.5))


def test_layers_take_turns_and_their_arrays_do_not():
    assert scheduled([[1e-9, 3e-9], [2e-9]]) == pytest.approx(5e-9)


def test_refresh_share_is_that_of_powers():
    chip = Chip(IDEAL)
    chip.program(WEIGHTS)
    write = writing(chip)
    share, down = refresh_share(write, 10.0, 1e-9, 100.0)
    assert share == pytest.approx(write.energy / (write.energy + 1e-6))
    assert down == pytest.approx(write.time / (10.0 + write.time))
    assert refresh_share(write, math.inf, 1e-9, 100.0) == (0.0, 0.0)


def test_energies_of_a_measured_chip_within_a_factor_of_two():
    """The energies of NeuRRAM (fJ per operation): totals within 2, parts and trend in order."""
    totals = []
    for (bits, out), published in NEURRAM.items():
        cost = neurram(out).product(256, 256, bits=bits, cells_per_weight=2)
        parts = [
            1e15 * sum(cost.energy[g] for g in group) / cost.operations
            for group in (("sense", "converter"), ("driver",), ("gate",))
        ]
        totals.append(sum(parts))
        assert 0.5 < sum(parts) / sum(published) < 2.0
        assert np.argsort(parts).tolist() == np.argsort(published).tolist()
    assert totals == sorted(totals)


def test_synaptic_operations_are_the_closed_form():
    """N-08: dense counts all weights, effective only those that meet a number that is not 0."""
    w = np.array([[1.0, 0.0, 2.0], [0.0, 0.0, 3.0], [4.0, 5.0, 0.0]])
    found = metrics([w], [np.zeros(3)], np.array([[1.0, 0.0, 2.0]]))
    assert (found.dense, found.effective) == (9.0, 4.0)
    assert found.parameters == 12 and found.footprint == 48
    assert found.connection_sparsity == 4 / 9
    two = metrics([np.ones((64, 32)), np.ones((32, 10))], [np.zeros(32), np.zeros(10)], np.ones((1, 64)))
    assert two.dense == 64 * 32 + 32 * 10 == 2368 and two.parameters == 2410 and two.footprint == 9640


def test_operations_and_silence_are_means_over_samples():
    """One hidden unit of two is silent for the first sample, both for the second."""
    w = [np.array([[1.0, -1.0], [-1.0, -1.0]]), np.ones((2, 3))]
    found = metrics(w, [np.zeros(2), np.zeros(3)], np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert found.activation_sparsity == 3 / 4
    assert found.effective == (2 + 3 + 2 + 0) / 2 and found.dense == 4 + 6


def test_the_harness_of_neurobench_counts_the_same():
    if harness_missing():
        pytest.skip(harness_missing())
    y = np.zeros(len(X), int)
    theirs, ours = by_harness(WEIGHTS, BIASES, X, y), metrics(WEIGHTS, BIASES, X)
    assert theirs["dense"] == ours.dense and theirs["footprint"] == ours.footprint
    assert theirs["effective"] == pytest.approx(ours.effective, rel=1e-6)
    assert theirs["activation_sparsity"] == pytest.approx(ours.activation_sparsity, abs=1e-4)


def test_a_design_and_its_parameters_make_the_same_chip():
    """By name, by keyword as before there were designs, by a design, and by one with a thing changed."""
    design = ChipDesign(architecture="1T1R", rows=16, adc_bits=6)
    chips = (
        Chip(IDEAL, "1T1R", rows=16, adc_bits=6),
        Chip(IDEAL, architecture="1T1R", rows=16, adc_bits=6),
        Chip(IDEAL, design),
        Chip(IDEAL, replace(design, adc_bits=8), adc_bits=6),
    )
    assert {chip.design for chip in chips} == {design}
    for chip in chips:
        chip.program(WEIGHTS)
    assert all(np.array_equal(chip.run(X), chips[0].run(X)) for chip in chips)
    with pytest.raises(TypeError, match="adc_bit'"):
        Chip(IDEAL, adc_bit=6)


def test_bad_input_is_refused_in_one_sentence():
    chip = Chip(IDEAL, arrays=1)
    with pytest.raises(ValueError, match="nothing is programmed"):
        chip.run(X)
    with pytest.raises(ValueError, match="needs 2 arrays of 128 x 128 cells, the chip has 1"):
        chip.program(WEIGHTS)
    broken = WEIGHTS[0].copy()
    broken[3, 2] = np.nan
    with pytest.raises(ValueError, match="weights of layer 0 must be finite, got nan"):
        chip.program([broken])
    with pytest.raises(ValueError, match="layer 1 must have 12 rows"):
        Chip(IDEAL).program([WEIGHTS[0], WEIGHTS[0]])
    with pytest.raises(ValueError, match="biases of layer 0 must be 12"):
        Chip(IDEAL).program([WEIGHTS[0]], [np.zeros(3)])
    with pytest.raises(ValueError, match="architecture must be one of 0T1R, 1S1R, 1T1R, 2T2R, got '3T1R'"):
        Chip(IDEAL, "3T1R")
    with pytest.raises(ValueError, match="mapping must be one of pair, reference, offset, got 'odd'"):
        Chip(IDEAL, mapping="odd")
    with pytest.raises(ValueError, match="wire_resistance must be between"):
        Chip(IDEAL, wire_resistance=-1.0)
    with pytest.raises(ValueError, match="weight_bits must be given for 2 slices"):
        Chip(IDEAL, slices=2).program(WEIGHTS)
    with pytest.raises(ValueError, match="columns must be at least 2"):
        Chip(IDEAL, columns=1).program(WEIGHTS)
    chip = Chip(IDEAL)
    with pytest.raises(ValueError, match="nothing was run"):
        inference(chip)
    chip.program(WEIGHTS)
    with pytest.raises(ValueError, match="x must be finite and of shape"):
        chip.run(X[:, :5])
    with pytest.raises(ValueError, match="time must be at least 0"):
        chip.run(X, -1.0)


def test_a_converter_has_its_levels_and_saturates_at_both_ends():
    """Three bits: 0 to 7 sevenths, or -3 to 3 thirds; beyond the ends the ends."""
    values = np.array([-1.7, -1.0, -0.4, -0.1, 0.0, 0.2, 0.7, 1.0, 1.4])
    signed = np.array([-3, -3, -1, 0, 0, 1, 2, 3, 3]) / 3
    np.testing.assert_allclose(_quantised(values, 3, signed=True), signed, atol=1e-15)
    unsigned = np.array([0, 0, 1, 5, 7, 7]) / 7
    np.testing.assert_allclose(_quantised(values[3:] * (values[3:] > 0), 3, signed=False), unsigned)
    np.testing.assert_allclose(_quantised(values, 1, signed=True), np.rint(np.clip(values, -1, 1)))
    assert _quantised(values, None, signed=True) is values


def test_the_harness_gets_the_network_and_its_images(monkeypatch):
    """Biases, a step between layers and none after the last; what its metrics say comes back by name."""
    seen = []

    class Linear:
        def __init__(self, inputs, outputs):
            self.shape = outputs, inputs

        def load_state_dict(self, state):
            self.weight, self.bias = state["weight"], state["bias"]
            assert self.weight.shape == self.shape and self.bias.shape == self.shape[:1]

        def __call__(self, x):
            return x @ self.weight.T + self.bias

    class Sequential(list):
        def __init__(self, *layers):
            super().__init__(layers)

        def __call__(self, x):
            for layer in self:
                x = layer(x)
            return x

    class TensorDataset(tuple):
        def __new__(cls, *arrays):
            return super().__new__(cls, arrays)

    data = SimpleNamespace(TensorDataset=TensorDataset, DataLoader=lambda images, batch_size: [images])
    torch = SimpleNamespace(
        as_tensor=np.asarray, no_grad=contextlib.nullcontext, utils=SimpleNamespace(data=data),
        nn=SimpleNamespace(Linear=Linear, Sequential=Sequential, ReLU=lambda: lambda x: np.maximum(x, 0.0)),
    )  # fmt: skip

    class Benchmark:
        def __init__(self, model, loader, before, after, chosen):
            ((x, y),) = list(loader)
            seen.append((model(x), y.tolist(), after[0](model(x)).tolist()))

        def run(self):
            operations = {"Dense": 300.0, "Effective_MACs": 200.0}
            return {
                "ParameterCount": 317, "Footprint": 1268, "ConnectionSparsity": 0.25,
                "ActivationSparsity": 0.5, "SynapticOperations": operations, "ClassificationAccuracy": 0.75,
            }  # fmt: skip

    names = "ConnectionSparsity Footprint ParameterCount ActivationSparsity ClassificationAccuracy"
    every = SimpleNamespace(**dict.fromkeys([*names.split(), "SynapticOperations"]))
    monkeypatch.setitem(sys.modules, "torch", torch)
    for name in ("", ".metrics"):
        monkeypatch.setitem(sys.modules, f"neurobench{name}", SimpleNamespace())
    for name in ("static", "workload"):
        monkeypatch.setitem(sys.modules, f"neurobench.metrics.{name}", every)
    monkeypatch.setitem(sys.modules, "neurobench.benchmarks", SimpleNamespace(Benchmark=Benchmark))
    monkeypatch.setitem(sys.modules, "neurobench.models", SimpleNamespace(TorchModel=lambda network: network))
    monkeypatch.setattr(network_metrics, "harness_missing", lambda: "")
    y = np.arange(len(X)) % 5
    found = by_harness(WEIGHTS, BIASES, X, y)
    ((logits, labels, classes),) = seen
    np.testing.assert_allclose(logits, EXACT, rtol=1e-4, atol=1e-4)  # single precision
    assert labels == y.tolist() and classes == EXACT.argmax(axis=1).tolist()
    assert found == {
        "parameters": 317.0, "footprint": 1268.0, "connection_sparsity": 0.25, "activation_sparsity": 0.5,
        "dense": 300.0, "effective": 200.0, "accuracy": 0.75,
    }  # fmt: skip

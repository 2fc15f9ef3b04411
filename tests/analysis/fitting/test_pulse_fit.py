"""Pulses: the law draws what was measured, its rows see another chip, shuffled pulses are refused."""

import numpy as np
import pytest

from frenkel.analysis.fitting import pulse_fit
from frenkel.analysis.fitting.observations import ObservationError
from frenkel.cells.card import Card
from frenkel.cells.pulses import PulseError, PulseLaw
from frenkel.experiment.fit_card import fit_card, judge_card
from frenkel.reports.card import next_lines

HIGH, LOW = 5e-5, 1e-6
"""Conductances (S) of LRS and HRS."""


def table(cells=40, each=8, seed=0, shift=0.0):
    """Return a text: cells SET with a probability that grows with the voltage, and RESET likewise."""
    random = np.random.default_rng(seed)
    lines = ["device,voltage (V),width (ns),R before (ohm),resistance (ohm)"]
    for cell in range(cells):
        low = True
        for _ in range(each):
            volts = random.uniform(0.5, 2.5)
            switches = random.random() < 1 / (1 + np.exp(-6.0 * (volts - 1.5 - shift)))
            before = (LOW if low else HIGH) * np.exp(0.2 * random.standard_normal())
            sign = 1 if low else -1
            low = low ^ switches
            after = (LOW if low else HIGH) * np.exp(0.2 * random.standard_normal()) if switches else before
            lines.append(f"c{cell},{sign * volts:.4f},100,{1 / before:.6g},{1 / after:.6g}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    path = tmp_path_factory.mktemp("pulses") / "pulses.csv"
    path.write_text(table())
    return path, fit_card(path, bootstrap=0)


def test_a_table_of_pulses_gives_a_judged_card(fitted):
    _, found = fitted
    assert found.passed and found.card.names == ("hrs", "lrs") and len(found.held_out.values) == 40
    assert sum("pulses" in row.statistic for row in found.rows) == 6
    law = found.card.pulse_law
    random = np.random.default_rng(1)
    cells = LOW * np.exp(0.2 * random.standard_normal(4000))
    for low, high, expected in ((0.5, 1.2, 0.04), (1.2, 1.8, 0.5), (1.8, 2.5, 0.96)):
        after = law.respond(cells, random.uniform(low, high, 4000), random, width=1e-7)
        assert np.mean(after > 1e-5) == pytest.approx(expected, abs=0.15)


def test_a_card_of_pulses_can_be_stored(fitted):
    card = fitted[1].card
    again = Card.from_dict(card.to_dict())
    np.testing.assert_array_equal(again.pulse_law.after, card.pulse_law.after)
    assert again.pulse_law.neighbours == card.pulse_law.neighbours
    assert not any("pulses" in text for text in again.cannot_tell())
    text = "\n".join(next_lines(card))
    assert "drive" in text and "67 devices instead of 40" in text and "write-verify" not in text


def test_another_chip_is_refused(fitted, tmp_path):
    """Switching at 0.6 V more; the same chip again passes."""
    for shift, passes in ((0.0, True), (0.6, False)):
        path = tmp_path / f"chip{passes}.csv"
        path.write_text(table(seed=5, shift=shift))
        rows = [row for row in judge_card(fitted[1].card, path)[0] if "prediction" in row.statistic]
        assert [row.passed for row in rows] == [passes, passes]


def test_shuffled_pulses_are_refused(fitted, tmp_path):
    """States after mixed among pulses: 20 of 20."""
    pulses = pulse_fit.gathered(fitted_data(fitted[0]))
    for seed in range(20):
        mixed = pulses.table.copy()
        mixed[:, 4] = mixed[np.random.default_rng(seed).permutation(len(mixed)), 4]
        with pytest.raises(ObservationError, match="does not depend on the pulse"):
            pulse_fit.fit(pulse_fit.RecordedPulses(mixed, pulses.owner), seed)


def fitted_data(path):
    from frenkel.experiment import measurements

    return measurements.of_file(path)


def test_trains_without_a_read_before_take_the_one_before(tmp_path):
    path = tmp_path / "train.csv"
    random = np.random.default_rng(3)
    lines = ["voltage (V),conductance (uS)", "0,10"]
    g = 10.0
    for k in range(400):
        volts = 1.0 if k // 20 % 2 == 0 else -1.0
        g = float(np.clip(g + volts * 0.5 + 0.1 * random.standard_normal(), 1.0, 30.0))
        lines.append(f"{volts},{g:.5g}")
    path.write_text("\n".join(lines) + "\n")
    pulses = pulse_fit.gathered(fitted_data(path))
    assert len(pulses.owner) == 400 and pulses.table[0, 0] == pytest.approx(np.log(10e-6), abs=1e-3)
    law, record = pulse_fit.fit(pulses)
    assert record["gain"] > 4
    step = law.respond(np.full(2000, 15e-6), 1.0, np.random.default_rng(4)).mean() - 15e-6
    assert step == pytest.approx(0.5e-6, abs=0.3e-6)


def known_law():
    """Return a law: SET pulses lead to 20 uS with odds of a half, RESET ones to 1 uS, always."""
    before, after = np.log([1e-6, 1e-6, 2e-5, 2e-5]), np.log([2e-5, 1e-6, 1e-6, 1e-6])
    zero = np.zeros(4)
    return PulseLaw(before=before, voltage=np.array([1.0, 1.0, -1.0, -1.0]), gate=zero, width=zero,
                    after=after, neighbours=2)  # fmt: skip


def test_write_verify_takes_as_many_pulses_as_odds_say():
    """Of odds of a half: two pulses in the mean, 1/8 of the cells need more than three."""
    pulse = [(1.0, 0.0, 1e-7)]
    start = np.full(4000, 1e-6)
    number, g = known_law().write_verify(start, (1.5e-5, 3e-5), pulse, pulse, np.random.default_rng(1))
    assert number.min() == 1 and np.all(g > 1.9e-5)
    assert number.mean() == pytest.approx(2.0, abs=0.1)
    assert np.mean(number > 3) == pytest.approx(0.125, abs=0.02)
    random = np.random.default_rng(1)
    number, _ = known_law().write_verify(start, (1.5e-5, 3e-5), pulse, pulse, random, most=3)
    assert np.mean(number < 0) == pytest.approx(0.125, abs=0.02)
    done, _ = known_law().write_verify(start, (5e-7, 3e-5), pulse, pulse, np.random.default_rng(1))
    assert np.all(done == 0)


def test_mistakes_of_a_law():
    law = known_law()
    random = np.random.default_rng(1)
    with pytest.raises(PulseError, match="must be above 0"):
        law.respond(0.0, 1.0, random)
    with pytest.raises(PulseError, match="must ascend"):
        law.write_verify([1e-6], (2e-5, 1e-5), [(1, 0, 1)], [(1, 0, 1)], random)
    numbers = {"before": law.before[:2], "voltage": law.voltage[:2], "gate": law.gate[:2]}
    ups = PulseLaw(**numbers, width=law.width[:2], after=law.after[:2])
    with pytest.raises(PulseError, match="no pulse with a voltage below 0 V"):
        ups.respond(1e-6, -1.0, random)
    with pytest.raises(PulseError, match="other than 0 V"):
        PulseLaw(**{**numbers, "voltage": np.zeros(2)}, width=law.width[:2], after=law.after[:2])

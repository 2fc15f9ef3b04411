"""What is asked of a device, its edge and what is seen of it: of devices that only play their part."""

from types import SimpleNamespace

import numpy as np
import pytest

from frenkel.configuration import device as config
from frenkel.kinetic.score_function import ScoreFunction
from frenkel.kinetic.waveform import Waveform
from frenkel.rare import farm, members, sensitivity
from frenkel.rare.events import Question

PULSE = {
    "seed": 3,
    "material": "HfO2-volatile",
    "device": {"thickness": "1.3 nm", "width": "0.78 nm"},
    "phase": [{"kind": "pulse", "amplitude": "1 V", "width": "1 us", "rise": "10 ns"}],
}


class Player:
    """A device whose conductance (S) goes through a list, 1 ns each, with an event of weight 1 at each."""

    def __init__(self, *conductances):
        self.conductance, *self.to_come = conductances
        self.time, self.source_voltage = 5.0, 0.3

    def state(self):
        return {}

    def keep_weights(self, numbers):
        self.weights = ScoreFunction.of(SimpleNamespace(chemistry=SimpleNamespace(mechanisms=[None])))
        return self.weights

    def advance(self, waveform, *, samples, stop=lambda device, time: False):
        for conductance in self.to_come:
            self.conductance = conductance
            self.time += 1e-9
            self.source_voltage += 0.1
            if hasattr(self, "weights"):
                self.weights.frequency += 1.0
            stop(self, self.time)


@pytest.mark.parametrize(("event", "share", "edge"), [
    ("state is lost", None, 0.5), ("read disturbs", None, 2.0), ("read disturbs", 0.25, 0.25),
    ("half-select disturbs", None, 2.0), ("reset fails", 0.1, 0.1), ("set fails", 10.0, 10.0)])
def test_a_score_grows_towards_its_edge(event, share, edge):
    """It is 0 at the edge, from below or from above, and the ln of the ratio elsewhere."""
    asked = Question(event=event, share=share)
    assert asked.edge(1e-5) == pytest.approx(edge * 1e-5)
    assert asked.score(edge * 1e-5, edge * 1e-5) == pytest.approx(0.0, abs=1e-12)
    assert asked.score(1e-5, edge * 1e-5) == pytest.approx(-abs(np.log(edge)))
    assert asked.waveform(Waveform.constant(1.0, 1.0)).voltages[0] == (0.5 if "half" in event else 1.0)


@pytest.mark.parametrize("up", [True, False])
def test_the_edge_is_the_geometric_mean_of_medians_before_and_after(monkeypatch, tmp_path, up):
    """Of five devices, whose numbers no repeat has; the wrong way is one sentence."""
    seen = []

    def prepared(configuration, number):
        seen.append(number)
        ends = [1e-6, 1e-4] if up else [1e-4, 1e-6]
        if len(seen) == 2:
            ends = [1e-9, 1e-9]  # one of the five is stuck: a mean would follow it
        return Player(*ends), Waveform.constant(1.0, 1e-9)

    monkeypatch.setattr(farm, "prepared", prepared)
    asked = farm.Tails(configuration=config.parse(PULSE), folder=tmp_path, repeats=2,
                       question=Question(event="set fails"))
    if up:
        assert farm.with_edge(asked, tmp_path / "a.nc").question.conductance == pytest.approx(1e-5)
        assert seen == list(range(2**30, 2**30 + 5))
    else:
        with pytest.raises(ValueError, match="'set fails' needs a resistance .--at.: .* the other way"):
            farm.with_edge(asked, tmp_path / "a.nc")


def test_the_edge_is_seen_when_it_is_met_and_not_again():
    """From below: after the second of four steps, on the way down once more; weights of both moments."""
    found = sensitivity.observe(Player(1e-6, 2e-6, 2e-5, 3e-6, 4e-5), Waveform.constant(1.0, 1e-6), 1e-5)
    assert np.exp(found["time"]) == pytest.approx(2e-9) and found["voltage"] == pytest.approx(0.5)
    assert found["met_weight"][1, 0] == 2.0 and found["weight"][1, 0] == 4.0
    assert found["final"] == pytest.approx(np.log(4e-5))
    never = sensitivity.observe(Player(1e-6, 2e-6), Waveform.constant(1.0, 1e-6), 1e-5)
    assert np.isnan(never["time"]) and np.isnan(never["voltage"]) and np.isnan(never["met_weight"]).all()


def test_repeats_have_devices_of_their_own(monkeypatch):
    """Three starts each: members 0 to 2, 3 to 5, 6 to 8."""
    seen = []
    monkeypatch.setattr(members, "prepared", lambda configuration, number, pause: (seen.append(number), None))
    monkeypatch.setattr(members, "DeviceSystem", lambda *parts: SimpleNamespace(begin=1e-6))
    monkeypatch.setattr(members, "run", lambda *parts: None)
    monkeypatch.setattr(members, "arrays", lambda found: {})
    question = {"event": "read disturbs", "particles": 6, "starts": 3, "kill": 1}
    monkeypatch.setattr(Question, "waveform", lambda self, asked: asked)
    one = members.prepare({"configuration": PULSE, "question": question})
    for repeat in range(3):
        one(repeat, SimpleNamespace(note=lambda document: None, stopping=lambda: False))
    assert seen == list(range(9))

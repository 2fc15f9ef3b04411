"""What studies are made of: networks learn, each has images of its own, and verdicts follow intervals."""

import numpy as np
import pytest

from frenkel.networks import images
from frenkel_studies import training
from frenkel_studies.common.claims import Effect, judged
from frenkel_studies.common.data import Interval
from frenkel_studies.common.settings import Settings
from frenkel_studies.methods import hardware
from frenkel_studies.methods.splits import splits

pytest.importorskip("sklearn", reason="digits come from scikit-learn")


def test_networks_learn_digits_and_noise():
    """300 steps: 9 of 10 digits; trained under a noise, networks are better under it by many points."""
    settings, parts = Settings(seeds=2, chips=4, steps=300), splits("digits", 2, 1)
    noisy, test = training.lognormal(0.5), parts.samples(parts.test)
    plain, aware = (hardware.trained(parts, settings, noise) for noise in (None, noisy))
    assert np.all(hardware.tested(plain, test, 1, settings.random(1)) > 90.0)
    seen = [hardware.tested(net, test, 4, settings.random(1), noisy).mean() for net in (plain, aware)]
    assert seen[1] > seen[0] + 3.0


def test_convolutions_learn_digits():
    settings, parts = Settings(seeds=2, steps=150, network="convolution"), splits("digits", 2, 1)
    found = hardware.tested(
        hardware.trained(parts, settings), parts.samples(parts.test), 1, settings.random(1)
    )
    assert np.all(found > 88.0)


def test_every_network_has_a_split_of_its_own():
    parts = splits("digits", 3, 1)
    for k in range(3):
        every = np.concatenate([parts.train[k], parts.validation[k], parts.test[k]])
        assert len(set(every)) == len(every) == 1797
    assert not np.array_equal(parts.test[0], parts.test[1])
    again = splits("digits", 2, 1)
    assert np.array_equal(parts.test[:2], again.test) and not np.array_equal(
        parts.test[0], splits("digits", 2, 2).test[0]
    )


def test_a_published_test_part_is_dealt_out(monkeypatch):
    """Each of its images goes to one network, and none is learnt from."""
    y = np.tile([0, 1], 50)
    pool = images.Pool(name="", source="", x=np.zeros((100, 1)), y=y, shape=(1, 1), tested=21)
    monkeypatch.setattr("frenkel_studies.methods.splits.pool", lambda _: pool)
    parts = splits("", 4, 1)
    assert parts.test.shape == (4, 5) and len(set(parts.test.ravel())) == 20 and parts.test.min() >= 79
    assert max(parts.train.max(), parts.validation.max()) < 79
    with pytest.raises(images.DataError, match="too few images for 40 networks"):
        splits("", 40, 1)


# --------------------------------------------------------------------------- verdicts


@pytest.mark.parametrize(
    ("effects", "verdict"),
    [
        ([(1.0, 0.2)], "supports"),
        ([(1.0, 0.6)], "open"),  # what would matter, 0.5, is inside
        ([(0.2, 0.2)], "contradicts"),
        ([(-1.0, 0.2)], "contradicts"),
        ([(1.0, 0.2), (2.0, 1.0)], "supports"),
        ([(1.0, 0.2), (-1.0, 0.2)], "corrects"),
        ([(1.0, 0.2), (-1.0, 0.2), (0.5, 9.0)], "corrects"),
        ([(1.0, 0.2), (0.5, 9.0)], "open"),
        ([(-1.0, 0.2), (0.5, 9.0)], "open"),
        ([(1.0, np.inf)], "open"),
    ],
)
def test_a_verdict_follows_from_effects_and_their_intervals(effects, verdict):
    assert judged([Effect(Interval(*one), 0.5) for one in effects]) == verdict

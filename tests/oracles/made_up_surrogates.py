"""Statistical models of cycles, most of them wrong on purpose: what each leaves out is in its name."""

from dataclasses import replace

import numpy as np

from frenkel.analysis.fitting.cycle_memory import covariances


def _named(features, values):
    return {f.name: f.backward(values[:, :, i]) for i, f in enumerate(features)}


def independent(training):
    """Every cycle of every device from one log-normal or normal law, each feature for itself."""
    mean, deviation = training.values.mean(axis=(0, 1)), training.values.std(axis=(0, 1))

    def sample(devices, cycles, seed):
        noise = np.random.default_rng(seed).standard_normal((devices, cycles, mean.size))
        return _named(training.features, mean + deviation * noise)

    return sample


def pooled_copula(training):
    """Cycles drawn from the pool of all: right pooled distributions, devices all alike, no memory."""
    pool = training.values.reshape(-1, training.values.shape[2])

    def sample(devices, cycles, seed):
        rows = pool[np.random.default_rng(seed).integers(0, len(pool), (devices, cycles))]
        return _named(training.features, rows)

    return sample


def hierarchical_gaussian(training):
    """Devices from one Gaussian of means and ln(spreads), Gaussian cycles without memory or correlation."""
    values = training.values
    k = values.shape[2]
    levels = np.concatenate([values.mean(axis=1), np.log(values.std(axis=1))], axis=1)
    mean, root = levels.mean(axis=0), np.linalg.cholesky(np.cov(levels.T))

    def sample(devices, cycles, seed):
        random = np.random.default_rng(seed)
        drawn = mean + random.standard_normal((devices, 2 * k)) @ root.T
        noise = random.standard_normal((devices, cycles, k))
        return _named(training.features, drawn[:, None, :k] + np.exp(drawn[:, None, k:]) * noise)

    return sample


def forgetful(card):
    """A card without its memory: right devices, right distribution of a cycle."""
    now = covariances(card.coefficients, card.innovation, 0)[0]
    return replace(card, coefficients=card.coefficients[:0], innovation=now).sample

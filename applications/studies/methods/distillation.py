"""Robust distillation: a student learns from several teachers that were each trained under another noise.

The protocol is that of the published code (RL-MIND/MTRD-MNI-CIM, branch code-ocean; abstract
10.21203/rs.3.rs-7906180/v1), its Eqs. 1 and 4 with equal weights of the teachers.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from frenkel.networks.perceptron import (
    Noise,
    Perceptron,
    Training,
    cross_entropy,
    descend,
    gradients,
    softmax,
)
from frenkel.typing import Floats

from .single import Stream
from .splits import Splits

SOFTNESS = 5.0
"""Temperature T of the softened outputs."""

SHARE = 0.7
"""Weight a of what teachers say, beside that of the labels."""


def distilled(
    student: Perceptron,
    teachers: Sequence[tuple[Perceptron, Noise | None]],
    parts: Splits,
    how: Training,
    noise: Noise | None,
    random: np.random.Generator,
) -> Perceptron:
    """Return students taught by teachers, seed by seed.

    The loss is a T^2 mean_i KL(teacher_i, noisy || student, clean) + (1 - a) CE(student, noisy).

    Parameters
    ----------
    student : Perceptron
        Where to start.
    teachers : sequence of (Perceptron, Noise or None)
        Networks and the noise of their weights, fresh at every step.
    parts : Splits
    how : Training
    noise : Noise or None
        Of the student's weights where it learns from labels.
    random : numpy.random.Generator
    """
    random = Stream(random)
    x, seeds, classes = parts.pool.x, student.weights[0].shape[0], parts.pool.classes
    labels = cross_entropy(parts.pool.y, classes)

    def gradient(now: Perceptron) -> list[Floats]:
        batch = random.integers(parts.train.shape[1], size=(seeds, how.batch))
        places = np.take_along_axis(parts.train, batch, axis=1)
        inputs = x[places]
        taught = np.zeros((seeds, how.batch, classes), student.weights[0].dtype)
        for teacher, of_teacher in teachers:
            weights = (
                teacher.weights if of_teacher is None else [of_teacher(w, random) for w in teacher.weights]
            )
            taught += softmax(teacher.logits(inputs, weights) / SOFTNESS) / len(teachers)

        def soft(logits: Floats, places: NDArray[np.int64]) -> Floats:
            # T^2 KL has the gradient T (q - p) by logits.
            return np.asarray(SOFTNESS * (softmax(logits / SOFTNESS) - taught))

        noisy = now.weights if noise is None else [noise(w, random) for w in now.weights]
        from_teachers = gradients(inputs, now.weights, now.biases, soft, places, now.windows)
        from_labels = gradients(inputs, noisy, now.biases, labels, places, now.windows)
        return [SHARE * a + (1.0 - SHARE) * b for a, b in zip(from_teachers, from_labels, strict=True)]

    return descend(student, gradient, how)

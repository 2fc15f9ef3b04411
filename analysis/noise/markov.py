"""Factorial hidden Markov model of random telegraph noise: n two-state traps under white noise.

The joint state of n traps is a number of n bits, bit k of it the state of trap k: 1 where the current is
high. Forward and backward passes run over blocks of the trace side by side; each block starts from the end
of its neighbour, and passes are repeated until no start changes, so that the blocks leave no trace in the
result.

Method: L. R. Rabiner, Proc. IEEE 77, 257 (1989), 10.1109/5.18626; Z. Ghahramani and M. I. Jordan, Machine
Learning 29, 245 (1997), 10.1023/A:1007425814087.
"""

import functools
from dataclasses import dataclass, replace

import numpy as np
import threadpoolctl
from numpy.typing import NDArray

from ...cells.noise import occupancy, switching
from ...checks import positive
from ...typing import Floats

MAXIMUM_TRAPS = 5
BOUNDARY = 1e-9  # change of a state's probability at the border of two blocks that counts as none
SETTLED = 1e-3  # gain of the log-likelihood in one iteration that ends the fit


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegraphModel:
    """Traps of a telegraph signal, and the noise on it.

    Parameters
    ----------
    level : (2**n,) float64
        Current of every joint state (A).
    high, low : (n,) float64
        Mean time that each trap spends in its state of high and of low current (s).
    noise : float
        Standard deviation of the white noise (A).
    """

    level: Floats
    high: Floats
    low: Floats
    noise: float

    @property
    def n_traps(self) -> int:
        """Number of traps."""
        return len(self.high)

    @property
    def amplitude(self) -> Floats:
        """Difference of the two currents of each trap (A), (n,), the mean over the states of the others."""
        bits = state_bits(self.n_traps)
        return np.array(
            [self.level[is_high].mean() - self.level[~is_high].mean() for is_high in bits.T.astype(bool)]
        )

    @property
    def baseline(self) -> float:
        """Current with every trap in its low state (A)."""
        return float(self.level[0])

    @property
    def occupancy(self) -> Floats:
        """Fraction of time in the high state, (n,)."""
        return np.asarray(occupancy(self.high, self.low))

    def weights(self) -> Floats:
        """Return the fraction of time in every joint state, (2**n,): the product over independent traps."""
        bits = state_bits(self.n_traps)
        return np.asarray(np.prod(np.where(bits, self.occupancy, 1 - self.occupancy), axis=1))

    def flips(self, step: float) -> Floats:
        """Return the probability that each trap changes its state within a step (s), (n, 2, 2).

        Exact for a two-state process seen every ``step``: unseen returns in between are counted.
        """
        rise_probability, fall_probability = switching(self.high, self.low, step)
        return np.stack(
            [
                np.stack([1 - rise_probability, rise_probability], -1),
                np.stack([fall_probability, 1 - fall_probability], -1),
            ],
            -2,
        )


def additive(
    baseline: float,
    amplitude: Floats | list[float],
    high: Floats | list[float],
    low: Floats | list[float],
    noise: float,
) -> TelegraphModel:
    """Return traps whose currents add.

    Parameters
    ----------
    baseline : float
        Current with every trap in its low state (A).
    amplitude : (n,) array_like
        Current that each trap's high state adds (A).
    high, low : (n,) array_like
        Mean times in the high and in the low state (s), above 0.
    noise : float
        Standard deviation of the white noise (A).
    """
    steps = np.atleast_1d(np.asarray(amplitude, float))
    up, down = (np.atleast_1d(np.asarray(x, float)) for x in (high, low))
    positive("high", up, "s")
    positive("low", down, "s")
    level = baseline + state_bits(len(steps)) @ steps
    return TelegraphModel(level=level, high=up, low=down, noise=float(noise))


def state_bits(n_traps: int) -> NDArray[np.int64]:
    """Return the state of each trap in every joint state, (2**n, n)."""
    return (np.arange(2**n_traps)[:, None] >> np.arange(n_traps)) & 1


def simulate(model: TelegraphModel, step: float, samples: int, seed: int) -> tuple[Floats, NDArray[np.int8]]:
    """Draw a trace, each trap's jumps at their exact times, sampled every ``step``.

    Parameters
    ----------
    model : TelegraphModel
    step : float
        Time between samples (s).
    samples : int
        Their number.
    seed : int

    Returns
    -------
    current : (samples,) float64
        A.
    state : (samples, n) int8
        State of each trap, 1 for high.
    """
    random = np.random.default_rng(seed)
    state = np.empty((samples, model.n_traps), np.int8)
    for k, (high, low) in enumerate(zip(model.high, model.low, strict=True)):
        state[:, k] = _one_trap(high, low, step, samples, random)
    joint = state.astype(np.int64) @ (1 << np.arange(model.n_traps))
    return model.level[joint] + model.noise * random.standard_normal(samples), state


def _one_trap(
    high: float, low: float, step: float, samples: int, random: np.random.Generator
) -> NDArray[np.int8]:
    first = int(random.random() < occupancy(high, low))
    duration = samples * step
    jumps = np.zeros(0)
    while not len(jumps) or jumps[-1] < duration:
        count = 2 * int(0.6 * duration / (high + low) + 10)
        means = np.where((np.arange(count) + first) % 2, high, low)
        dwell_ends = np.cumsum(random.exponential(means)) + (jumps[-1] if len(jumps) else 0.0)
        jumps = np.concatenate([jumps, dwell_ends])
    jump_counts = np.searchsorted(jumps, np.arange(samples) * step, side="right")
    return ((jump_counts + first) % 2).astype(np.int8)


@dataclass(frozen=True, slots=True)
class Expectations:
    """What a trace reveals of the hidden states of a model.

    Parameters
    ----------
    log_likelihood : float
    time : (2**n,)
        Expected number of samples in every joint state.
    total : (2**n,)
        The current (A) summed over them.
    flips : (n, 2, 2)
        Expected number of steps from each state of a trap to each.
    square : float
        Sum of the squared current.
    high : (samples, n) float32 or None
        Probability that each trap is in its high state.
    """

    log_likelihood: float
    time: Floats
    total: Floats
    flips: Floats
    square: float
    high: NDArray[np.float32] | None = None


def expectations(
    model: TelegraphModel, current: Floats, step: float, posterior: bool = False
) -> Expectations:
    """Run the forward-backward algorithm.

    Parameters
    ----------
    model : TelegraphModel
    current : (samples,) float64
        A, uniformly sampled.
    step : float
        Time between samples (s).
    posterior : bool
        Keep each trap's probability of being high.
    """
    samples, n = len(current), model.n_traps
    length = int(np.clip(np.sqrt(samples) / 4, 16, 400))
    blocks = -(-samples // length)
    padded = np.zeros(blocks * length)
    padded[:samples] = current
    y = np.ascontiguousarray(padded.reshape(blocks, length).T)  # (length, blocks)
    real = np.ascontiguousarray((np.arange(blocks * length) < samples).reshape(blocks, length).T)
    matrix = _joint(model.flips(step))
    emission, log_scale = _emission(model, y, real)
    # Products of an 8 by 8 matrix gain nothing from threads, and lose much where other programs run.
    with _blas().limit(limits=1, user_api="blas"):
        forward, log_norm = _forward(matrix, emission, model.weights())
        time, total, pairs, high = _backward(matrix, emission, forward, model.weights(), (y, real), posterior)
    constant = -samples * np.log(model.noise * np.sqrt(2 * np.pi))
    bits = state_bits(n)
    flips = np.empty((n, 2, 2))
    for k in range(n):
        chosen = np.stack([bits[:, k] == 0, bits[:, k] == 1]).astype(float)
        flips[k] = chosen @ pairs @ chosen.T
    if high is not None:
        high = high.transpose(2, 0, 1).reshape(blocks * length, n)[:samples]
    return Expectations(log_norm + log_scale + constant, time, total, flips, float(current @ current), high)


@functools.cache
def _blas() -> threadpoolctl.ThreadpoolController:
    """Return the handle of the linear algebra libraries; finding them takes longer than a short trace."""
    return threadpoolctl.ThreadpoolController()


def _joint(flips: Floats) -> Floats:
    """Return the transition matrix of all traps; the last trap has the highest bit."""
    matrix = np.ones((1, 1))
    for flip in flips:
        matrix = np.kron(flip, matrix)
    return matrix


def _emission(model: TelegraphModel, y: Floats, real: NDArray[np.bool_]) -> tuple[Floats, float]:
    """Return exp(-z^2/2) of every state over the largest of them, (length, states, blocks), and its log."""
    log_emission = -0.5 * ((y[:, None, :] - model.level[None, :, None]) / model.noise) ** 2
    top = log_emission.max(axis=1)
    log_emission -= top[:, None, :]
    np.exp(log_emission, out=log_emission)
    # Padding carries no information: every state explains it equally well.
    np.copyto(log_emission, 1.0, where=~real[:, None, :])
    return log_emission, float(top[real].sum())


def _forward(matrix: Floats, emission: Floats, prior: Floats) -> tuple[Floats, float]:
    length, _, blocks = emission.shape
    forward = np.empty_like(emission)
    norm = np.empty((length, blocks))
    onward = np.ascontiguousarray(matrix.T)
    start = np.repeat(prior[:, None], blocks, 1)
    for _ in range(blocks + 1):
        before = start
        for t in range(length):
            alpha = forward[t]
            np.matmul(onward, before, out=alpha)
            alpha *= emission[t]
            alpha /= np.add.reduce(alpha, axis=0, out=norm[t])
            before = alpha
        follows = np.concatenate([prior[:, None], forward[-1][:, :-1]], axis=1)
        if np.abs(follows - start).max() < BOUNDARY:
            break
        start = follows
    return forward, float(np.log(norm).sum())


def _backward(
    matrix: Floats,
    emission: Floats,
    forward: Floats,
    prior: Floats,
    data: tuple[Floats, NDArray[np.bool_]],
    posterior: bool,
) -> tuple[Floats, Floats, Floats, NDArray[np.float32] | None]:
    """Return expected samples and summed current of every state, steps between states, and posteriors."""
    y, real = data
    length, states, blocks = emission.shape
    before = np.concatenate([prior[:, None], forward[-1][:, :-1]], axis=1)
    mask = real.astype(float)
    first = mask.copy()
    first[0, 0] = 0.0  # nothing steps into the first sample
    bits = state_bits(int(np.log2(states))).T.astype(np.float64)
    high = np.empty((length, len(bits), blocks), np.float32) if posterior else None
    time, total, pairs = np.zeros(states), np.zeros(states), np.zeros((states, states))
    beta = _ends(matrix, emission)
    for t in range(length - 1, -1, -1):
        here = forward[t] * beta
        here *= mask[t] / here.sum(0)
        time += here.sum(1)
        total += here @ y[t]
        if high is not None:
            high[t] = bits @ here
        message = emission[t] * beta
        message /= message.sum(0)
        beta = matrix @ message
        previous = forward[t - 1] if t else before
        pairs += (previous * (first[t] / (previous * beta).sum(0))) @ message.T
    return time, total, pairs * matrix, high


def _ends(matrix: Floats, emission: Floats) -> Floats:
    """Return what follows the last sample of each block (states, blocks), which blocks take from the next."""
    length, states, blocks = emission.shape
    last, message, norm = np.full((states, blocks), 1.0), np.empty((states, blocks)), np.empty(blocks)
    ahead = np.empty((states, blocks))
    for _ in range(blocks + 1):
        beta = last
        for t in range(length - 1, -1, -1):
            np.multiply(emission[t], beta, out=message)
            message /= np.add.reduce(message, axis=0, out=norm)
            beta = np.matmul(matrix, message, out=ahead)
        follows = np.concatenate([beta[:, 1:], np.ones((states, 1))], axis=1)
        follows /= follows.sum(0)
        if np.abs(follows - last / last.sum(0)).max() < BOUNDARY:
            break
        last = follows
    return last


def fit(
    model: TelegraphModel,
    current: Floats,
    step: float,
    *,
    adds: bool = True,
    iterations: int = 200,
    target: float = -np.inf,
) -> tuple[TelegraphModel, float]:
    """Fit a model by expectation maximisation (Baum and Welch), starting from a guess.

    Parameters
    ----------
    model : TelegraphModel
        Guess.
    current : (samples,) float64
        A.
    step : float
        Time between samples (s).
    adds : bool
        Currents of the traps add; otherwise every joint state has its own current.
    iterations : int
        Most iterations.
    target : float
        Log-likelihood below which the model is of no use: the fit ends where a hundred more gains like the
        last one would not reach it.

    Returns
    -------
    model : TelegraphModel
    log_likelihood : float
        Of the model before the last iteration, which differs by less than 1e-3 where the fit settled.
    """
    last = -np.inf
    for _ in range(iterations):
        expected = expectations(model, current, step)
        model = maximise(model, expected, step, len(current), adds)
        gain = expected.log_likelihood - last
        if gain < SETTLED or expected.log_likelihood + 100 * gain < target:
            break
        last = expected.log_likelihood
    return ordered(model), expected.log_likelihood


def maximise(
    model: TelegraphModel, seen: Expectations, step: float, samples: int, adds: bool
) -> TelegraphModel:
    """Return the model that makes the expected states most likely."""
    level = _levels(model, seen, adds)
    variance = (seen.square - 2 * level @ seen.total + level**2 @ seen.time) / samples
    # Without noise the difference of large sums is its rounding.
    rounding = float(np.finfo(float).eps) * seen.square / samples
    # A thousandth of a step keeps a trap that never moves in a trial fit at a finite time.
    counts = seen.flips + 1e-3
    share = counts / counts.sum(axis=2, keepdims=True)
    rise_probability, fall_probability = share[:, 0, 1], share[:, 1, 0]
    moved = rise_probability + fall_probability
    # A trap that forgets its state within one step has no time constant in this trace: keep the fastest.
    rate = -np.log1p(-np.minimum(moved, 1 - 1e-9)) / step
    high, low = moved / (fall_probability * rate), moved / (rise_probability * rate)
    return TelegraphModel(
        level=level, high=high, low=low, noise=float(np.sqrt(max(float(variance), rounding)))
    )


def _levels(model: TelegraphModel, seen: Expectations, adds: bool) -> Floats:
    bits = state_bits(model.n_traps)
    design = np.column_stack([np.ones(len(bits)), bits])
    solved = np.linalg.lstsq(design.T @ (seen.time[:, None] * design), design.T @ seen.total, rcond=None)[0]
    level = np.asarray(design @ solved)
    if not adds:
        # A state that was hardly ever visited keeps the current that additive traps would have.
        visited = seen.time > 2
        level[visited] = seen.total[visited] / seen.time[visited]
    return level


def ordered(model: TelegraphModel) -> TelegraphModel:
    """Return the same model with positive amplitudes, the largest first."""
    n = model.n_traps
    cube = model.level.reshape((2,) * n).transpose(range(n - 1, -1, -1))  # axis k is trap k
    amplitude, high, low = model.amplitude, model.high.copy(), model.low.copy()
    for k in np.flatnonzero(amplitude < 0).tolist():
        cube = np.flip(cube, k)
        high[k], low[k] = model.low[k], model.high[k]
    order = np.argsort(-np.abs(amplitude))
    level = cube.transpose(order).transpose(range(n - 1, -1, -1)).ravel()
    return replace(model, level=np.ascontiguousarray(level), high=high[order], low=low[order])


def standard_errors(
    model: TelegraphModel, current: Floats, step: float, *, adds: bool = True
) -> dict[str, Floats]:
    """Return standard errors from the observed information, hidden states included.

    The gradient of the likelihood is that of the expected complete likelihood (Fisher's identity); its
    differences give the curvature, exact up to rounding.

    Parameters
    ----------
    model : TelegraphModel
        At its maximum.
    current : (samples,) float64
        A.
    step : float
        Time between samples (s).
    adds : bool
        Currents of the traps add; otherwise every joint state has its own current.

    Returns
    -------
    dict
        ``log_high`` and ``log_low`` (n,), of the logarithms of the times; ``amplitude`` (n,), A; ``noise``,
        A. NaN where the likelihood has no maximum.
    """
    n, unit = model.n_traps, model.noise
    bits = state_bits(n)
    design = np.column_stack([np.ones(len(bits)), bits]) if adds else np.eye(len(bits))
    # Log times, currents in units of the noise, and the logarithm of the noise over its unit.
    currents = np.linalg.lstsq(design, model.level / unit, rcond=None)[0]
    centre = np.concatenate([np.log(model.high), np.log(model.low), currents, [0.0]])
    curvature = np.empty((len(centre), len(centre)))
    for i in range(len(centre)):
        slopes = [_slope(_moved(centre, i, shift), design, unit, current, step) for shift in (1e-3, -1e-3)]
        curvature[i] = (slopes[0] - slopes[1]) / 2e-3
    contrast = np.where(bits.T, 1.0, -1.0) / 2 ** (n - 1) @ design
    variance = _inverse(-(curvature + curvature.T) / 2)
    middle = variance[2 * n : -1, 2 * n : -1]
    values = np.concatenate([np.diag(variance)[: 2 * n], np.diag(contrast @ middle @ contrast.T)])
    error = np.sqrt(np.where(values > 0, values, np.nan))
    return {
        "log_high": error[:n],
        "log_low": error[n : 2 * n],
        "amplitude": error[2 * n :] * unit,
        "noise": np.sqrt(np.abs(variance[-1:, -1])) * unit,
    }


def _inverse(information: Floats) -> Floats:
    """Return the covariance; NaN for what the trace does not determine, such as a state never visited."""
    determined = np.diag(information) > 1e-2
    covariance = np.full(information.shape, np.nan)
    try:
        covariance[np.ix_(determined, determined)] = np.linalg.inv(
            information[np.ix_(determined, determined)]
        )
    except np.linalg.LinAlgError:
        pass
    return covariance


def _moved(values: Floats, index: int, by: float) -> Floats:
    shifted = values.copy()
    shifted[index] += by
    return shifted


def _unpack(values: Floats, design: Floats, unit: float) -> TelegraphModel:
    n = int(np.log2(len(design)))
    times = np.exp(values[: 2 * n])
    level = design @ values[2 * n : -1] * unit
    return TelegraphModel(level=level, high=times[:n], low=times[n:], noise=unit * float(np.exp(values[-1])))


def _slope(values: Floats, design: Floats, unit: float, current: Floats, step: float) -> Floats:
    """Return the gradient of the log-likelihood."""
    expected = expectations(_unpack(values, design, unit), current, step)
    slope = np.empty(len(values))
    for i in range(len(values)):
        ends = [
            _complete(_unpack(_moved(values, i, shift), design, unit), expected, step, len(current))
            for shift in (1e-5, -1e-5)
        ]
        slope[i] = (ends[0] - ends[1]) / 2e-5
    return slope


def _complete(model: TelegraphModel, seen: Expectations, step: float, samples: int) -> float:
    """Return the expected log-likelihood of current and states together, up to a constant."""
    squares = seen.square - 2 * model.level @ seen.total + model.level**2 @ seen.time
    moves = float(np.sum(seen.flips * np.log(model.flips(step))))
    return moves - float(squares) / (2 * model.noise**2) - samples * float(np.log(model.noise))

"""The probability of something that hardly ever happens to a device: from its present state, in a script."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..checks import whole
from ..kinetic.device import Device
from ..kinetic.waveform import Waveform
from .events import Question
from .splitting import Estimate, Splitting, together
from .system import DeviceSystem, run


def tails(
    device: Device,
    waveform: Waveform,
    event: str,
    *,
    resistance: float | None = None,
    share: float | None = None,
    particles: int = 100,
    kill: int | None = None,
    repeats: int = 8,
    floor: float = 0.0,
    progress: Callable[[float, str], None] = lambda share, words: None,
) -> Estimate:
    """Estimate how likely an event is when a waveform is applied to a device in its present state.

    Parameters
    ----------
    device : Device
        Stands as it was when this returns.
    waveform : Waveform
        Source voltage (V) against time (s).
    event : str
        "set fails", "reset fails", "state is lost", "read disturbs" or "half-select disturbs".
    resistance : float, optional
        Edge (ohm) at low voltage; or ``share``, over the conductance at the start. "state is lost" has 0.5
        and the disturbs have 2 by default; a pulse that fails needs one of the two.
    particles : int
        Of each repeat; the relative error of a repeat is about sqrt(-ln P / particles).
    kill : int, optional
        Particles taken out in each stage at least; a tenth by default.
    repeats : int
        Independent ones, whose scatter is the error.
    floor : float
        End a repeat where the probability has fallen below this.
    progress : callable, optional
        ``progress(share, words)``.

    Returns
    -------
    Estimate
        Unbiased, with its error as the repeats scatter, as each states it, and a 95 % interval.

    Raises
    ------
    ValueError
        There is no such event, it has no edge, or a number is out of its range.
    """
    whole("repeats", repeats, 1)
    question = Question(
        event=event,
        conductance=None if resistance is None else 1.0 / resistance,
        share=share,
        particles=particles,
        kill=max(particles // 10, 1) if kill is None else kill,
        starts=1,
        floor=floor,
    )
    before, runs = device.state(), []
    try:
        system = DeviceSystem(device, question.waveform(waveform), question)
        for repeat in range(repeats):

            def note(stage: int, probability: float, repeat: int = repeat) -> None:
                progress(repeat / repeats, f"repeat {repeat + 1}, stage {stage}: below {probability:.2g}")

            runs.append(run([system], question, device.seed, repeat, note))
    finally:
        device.restore(before)
    return estimate(runs)


def estimate(found: list[Splitting]) -> Estimate:
    """Return what repeats say together."""
    return together(
        np.array([repeat.probability for repeat in found]),
        np.array([repeat.variance for repeat in found]),
        np.array([len(repeat.levels) for repeat in found]),
        [repeat.complete for repeat in found],
    )

"""Under which condition a result of tails was found, for what compares several."""

from __future__ import annotations

from pathlib import Path

from .. import provenance
from ..analysis.reliability.extrapolation import Observed
from ..configuration import device as config
from .events import Question
from .farm import estimate, load
from .members import whole_waveform


def observed(path: Path) -> Observed:
    """Return the probability in a file of tails, with temperature, voltage and duration of its last phase.

    Raises
    ------
    ValueError
        It is a file of something else.
    """
    repeats = load(path)
    document = provenance.read(repeats.attrs["provenance"])["configuration"]
    configuration = config.parse(document["configuration"], str(path))
    *_, (_, _, phase) = configuration.phases()
    waveform = Question(**document["question"]).waveform(whole_waveform(phase))
    probability = estimate(repeats)
    return Observed(
        temperature=configuration.temperature_of(phase),
        voltage=max(abs(volts) for volts in waveform.voltages),
        duration=waveform.duration,
        probability=probability.probability,
        low=probability.low,
        high=probability.high,
    )

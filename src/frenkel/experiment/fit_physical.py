"""From an ensemble to a physical model that was validated on devices which were held out, as a card is."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .. import checks
from ..analysis.fitting import gate_jumps, jump_fit, observations, physical_fit
from ..analysis.fitting.observations import ObservationError
from ..analysis.statistics.comparison import Comparison, passed
from ..cells.physical import PhysicalModel
from ..data import content, kinds

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedPhysical:
    """A physical model with the rows of its validation: those of the jump-process model of a card."""

    model: PhysicalModel
    rows: list[Comparison]

    @property
    def passed(self) -> bool:
        """Whether rows judged the model and none of them failed."""
        return bool(self.rows) and passed(self.rows)


def fit_physical(
    path: Path, *, name: str | None, held_out: float, bootstrap: int, seed: int
) -> FittedPhysical:
    """Fit a physical model to an ensemble, and judge it by the devices that a card would hold out.

    Parameters
    ----------
    path : path
        Ensemble (.nc) with a table ``measure``.
    name : str or None
        Of the model; None: that of the file.
    held_out : float
        Fraction of the devices that judge, above 0 and below 1.
    bootstrap : int
        Refits for the 95 % intervals: 0, or at least 2.
    seed : int
        Of splits and refits; 0 or more.

    Raises
    ------
    ObservationError
        The file has no measured jumps, or too few of them.
    """
    name = name or path.stem
    checks.line("name of the model", name)
    if bootstrap != 0:
        checks.whole("bootstrap", bootstrap, 2)
    data = _measured(path)
    finished = jump_fit.finished(data)
    training, judging = (finished[part] for part in observations.parts(len(finished), 1.0 - held_out, seed))
    model = physical_fit.fit(data, training, name, seed=seed, bootstrap=bootstrap)
    rows = gate_jumps.judge(model.jump_law, data, judging, seed=seed) if len(judging) > 1 else []
    notes = {**(model.provenance or {}), "file": path.name, "judged": {"devices": int(np.size(judging))}}
    model = replace(model, gate=tuple(row.to_dict() for row in rows), provenance=notes)
    return FittedPhysical(model=model, rows=rows)


def judge_physical(model: PhysicalModel, path: Path, *, seed: int = 0) -> list[Comparison]:
    """Return the rows of the validation of a physical model by other devices: those of a card's jumps.

    Parameters
    ----------
    model : PhysicalModel
    path : path
        Ensemble (.nc) with a table ``measure``, of devices that the model was not fitted to.
    seed : int
        Of the splits; 0 or more.

    Raises
    ------
    ObservationError
        The file has no measured jumps, or fewer than two finished devices.
    """
    data = _measured(path)
    finished = jump_fit.finished(data)
    if len(finished) < 2:
        raise ObservationError(f"a validation needs two finished devices, {path} has {len(finished)}")
    return gate_jumps.judge(model.jump_law, data, finished, seed=seed)


def _measured(path: Path) -> "xr.Dataset":
    """Return an ensemble with measured jumps."""
    if path.suffix != ".nc":
        raise ObservationError(f"a physical model needs an ensemble (.nc), got {path}")
    content.check(path)
    with kinds.open(path) as dataset:
        if not jump_fit.measured(dataset):
            raise ObservationError(f"{path} has no measured jumps; run it with a table [measure]")
        return dataset.load()

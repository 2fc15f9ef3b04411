"""What a calibration leaves: a file with its designs and draws, and a material with its provenance."""

import hashlib
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import provenance
from ..analysis.fitting.observations import Observations
from ..configuration.device import Configuration
from ..configuration.material import as_file
from ..data import kinds, store
from ..data.stopping import held_back
from ..kinetic.materials.material import Material
from ..typing import Floats
from .free import unit_of
from .rounds import Calibration
from .summaries import side_by_side

if TYPE_CHECKING:
    import xarray as xr

KIND = "calibration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a calibration was made of.

    Parameters
    ----------
    configuration : Configuration
        With its seed.
    folder : Path
        Of its file.
    measured : Path
    target : Observations
    others : tuple of Made
        Further protocols that were calibrated to at the same time.
    """

    configuration: Configuration
    folder: Path
    measured: Path
    target: Observations
    others: tuple["Made", ...] = ()

    @property
    def protocols(self) -> tuple["Made", ...]:
        """Itself and the others."""
        return (self, *self.others)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all numbers; where there are several protocols, with the place of theirs from 1."""
        if not self.others:
            return self.target.names
        return tuple(f"{name} ({k})" for k, one in enumerate(self.protocols, 1) for name in one.target.names)

    @property
    def values(self) -> Floats:
        """Numbers of the measured devices of all protocols, in transformed space."""
        return side_by_side([one.target.values for one in self.protocols])

    @property
    def files(self) -> str:
        """Names of the measured files."""
        return ", ".join(one.measured.name for one in self.protocols)

    @property
    def digest(self) -> str:
        """First letters of the SHA-256 of the measured file."""
        return hashlib.sha256(self.measured.read_bytes()).hexdigest()[:16]


def dataset(found: Calibration, made: Made) -> "xr.Dataset":
    """Return designs, what they show, and draws of the posterior, as a dataset.

    The attributes ``misfit``, ``freedom`` and ``p_value`` are those of the best point.
    """
    import xarray as xr  # xarray, and only files of results need it

    names = [q.name for q in found.parameters]
    bounds = np.array([found.intervals[name] for name in names])
    variables: dict[str, Any] = {
        "unit": ("parameter", [unit_of(name) for name in names], "unit of the parameter"),
        "low": ("parameter", [q.low for q in found.parameters], "low end of the range"),
        "high": ("parameter", [q.high for q in found.parameters], "high end of the range"),
        "logarithmic": (
            "parameter",
            [int(q.logarithmic) for q in found.parameters],
            "1: looked for in its logarithm",
        ),
        "best": ("parameter", [found.best[name] for name in names], "value at the largest density"),
        "interval": (
            ("parameter", "end"),
            bounds,
            "central 95 % of the posterior, infinite at an end of the range",
        ),
        "draw": (("number", "parameter"), found.draws, "draws of the posterior"),
        "kept": ("term", found.kept, "fraction of a term of the surface that is no noise of the members"),
        "design": (("point", "parameter"), found.designs, "simulated points"),
        "shown": (("point", "statistic"), found.shown, "statistics of their devices, NaN: not shown"),
        "target": ("statistic", found.target, "statistic of the measured devices"),
        "fitted": ("statistic", found.fitted, "that of the surface at the best point"),
        "error": ("statistic", found.errors, "standard error of their difference"),
    }
    attrs = provenance.attributes(
        f"{made.configuration.title or made.configuration.material.name}, calibrated to {made.files}",
        made.configuration.document(),
        seed=made.configuration.seed or 0,
        frenkel_kind=KIND,
        misfit=found.misfit,
        freedom=found.freedom,
        p_value=found.p_value,
        members=found.members,
        effective_draws=found.effective,
        measured="; ".join(f"{one.measured.name}, sha256 {one.digest}" for one in made.protocols),
    )
    return xr.Dataset(
        {name: (dims, values, {"long_name": words}) for name, (dims, values, words) in variables.items()},
        {"parameter": names, "statistic": list(found.statistics), "term": _terms(names)},
        attrs,
    )


def _terms(names: list[str]) -> list[str]:
    """Return the names of the terms of a quadratic but the constant, as `Surface.kept` has them."""
    return [*names, *(f"{names[i]} {names[j]}" for i, j in zip(*np.triu_indices(len(names)), strict=True))]


def material(found: Calibration, made: Made, target: Path) -> str:
    """Return the file of the calibrated material: based on that of the configuration, every number fitted.

    Parameters
    ----------
    found : Calibration
    made : Made
    target : Path
        Where it will stand.
    """
    section = made.configuration.material
    base = section.base
    if base.endswith(".toml"):
        base = os.path.relpath(Material.file(base, made.folder), target.parent)
    changes: dict[str, Any] = {
        key: dict(value) if isinstance(value, Mapping) else value for key, value in section.changes.items()
    }
    for q in found.parameters:
        place, key = q.name.split(".", 1)
        changes.setdefault(place, {})[key] = _number(found, made, q.name)
    head = (
        f"{section.name} calibrated to {made.files}; what is not given here is as there.\n"
        f"{verdict(found)}"
    )
    return as_file(base, changes, head)


def verdict(found: Calibration) -> str:
    """Return what the misfit says, in a sentence."""
    size = f"misfit {found.misfit:.3g} for {found.freedom} degrees of freedom"
    if math.isnan(found.p_value):
        return f"{size}: as many numbers were compared as calibrated, which nothing can speak against"
    text = f"{size}, p = {found.p_value:.2g}"
    if found.p_value < 0.01:
        return f"{text}: no point of the ranges reproduces these devices; the numbers are the least wrong"
    return f"{text}: consistent with the measured devices"


def _number(found: Calibration, made: Made, name: str) -> dict[str, Any]:
    """Return a number as a material file states it."""
    q = next(parameter for parameter in found.parameters if parameter.name == name)
    value = found.best[name]
    low, high = found.intervals[name]
    # The best point may lie outside of the middle of the draws, on a ridge that is bent.
    limited = [min(max(low, q.low), value), max(min(high, q.high), value)]
    note = "range: 95 % of the posterior"
    if name in found.edges:
        ends = "both ends" if found.edges[name] == "both" else f"the {found.edges[name]} end"
        note += f", which reaches {ends} of the range that was looked in"
    if name in found.flat:
        note += "; what it moves is not told from the noise of the simulated devices"
    elif name in found.untold:
        note += "; not identifiable from the data: any value in the range"
    return {
        "value": value,
        "unit": unit_of(name),
        "source": f"frenkel {provenance.version()} calibrate, seed {made.configuration.seed}, "
        f"{len(found.designs)} designs of {found.members} devices",
        "confidence": "fitted",
        "fitted_to": f"{_targets(made)}, {verdict(found)}",
        "range": limited,
        "note": note,
    }


def _targets(made: Made) -> str:
    """Return what was measured, in words."""
    return "; ".join(
        f"{', '.join(one.target.names)} of {len(one.target.values)} devices in {one.measured.name} "
        f"(sha256 {one.digest})"
        for one in made.protocols
    )


def load(path: Path) -> "xr.Dataset":
    """Return the calibration in a file.

    Raises
    ------
    WrongFileError
        It holds none.
    OSError
        It cannot be read.
    """
    with held_back():
        return kinds.load(store.readable(path), "calibration")

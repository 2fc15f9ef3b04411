"""Which barrier and which attempt frequency decide what a device does in the last phase of a protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..analysis.rare.score import combinations, derivatives, z_of_means
from ..checks import positive, whole
from ..configuration import device as config
from ..configuration.device import Configuration
from ..kinetic.device import Device
from ..kinetic.waveform import Waveform
from ..mpi_runs.child import Context, Stopped
from ..mpi_runs.farm import serial
from ..mpi_runs.merge import Column
from ..typing import Floats
from .farm import Asked, column, execute, load
from .members import prepared

if TYPE_CHECKING:
    import xarray as xr

VALUES = {
    "final": "ln of the conductance at the end",
    "time": "ln of the time at which the conductance met the edge",
    "voltage": "source voltage at which it met the edge",
}
"""What a member gives; time and voltage are NaN where the edge was not met."""

UNITS = {"barrier": 0.025, "frequency": 1.0}
"""What makes parameters alike in combinations: 25 meV of a barrier (kT at 290 K), e of a frequency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity(Asked):
    """What the last phase does to devices, with score weights.

    Parameters
    ----------
    conductance : float
        Edge (S) that is met from either side.
    members : int
        Devices, at least 3.
    """

    conductance: float
    members: int

    function: ClassVar[str] = "frenkel.rare.sensitivity:prepare"
    kind: ClassVar[str] = "sensitivity"
    dim: ClassVar[str] = "member"
    columns: ClassVar[Mapping[str, Column]] = {
        **{name: column(words, "V" if name == "voltage" else "1") for name, words in VALUES.items()},
        "weight": column("score weights at the end: barriers (1/eV), ln frequencies", "1", "of", "mechanism"),
        "met_weight": column("the same when the edge was met", "1", "of", "mechanism"),
        "events": column("events of each mechanism", "1", "mechanism"),
        "mechanism": column("name of the mechanism", "1", "mechanism", kind="constant"),
    }

    def __post_init__(self) -> None:
        Asked.__post_init__(self)
        positive("conductance", self.conductance, "S")
        whole("members", self.members, 3, 1_000_000)

    @property
    def number(self) -> int:
        """Number of devices."""
        return self.members

    @property
    def name(self) -> str:
        """What it is."""
        return "sensitivity"

    def document(self) -> dict[str, Any]:
        """Return what each member is a function of."""
        return Asked.document(self) | {"conductance": self.conductance}


def prepare(
    settings: Mapping[str, Any],
) -> Callable[[int, Context], tuple[dict[str, Any], dict[str, Any]]]:
    """Return what runs one member; ``settings`` as `Sensitivity.document` returns them."""
    configuration = config.parse(settings["configuration"])

    def run(number: int, context: Context) -> tuple[dict[str, Any], dict[str, Any]]:
        def pause() -> None:
            if context.stopping():
                raise Stopped

        device, waveform = prepared(configuration, number, pause)
        names = [mechanism.name for mechanism in device.chemistry.mechanisms]
        return observe(device, waveform, settings["conductance"]), {"texts": {"mechanism": names}}

    return run


def observe(device: Device, waveform: Waveform, edge: float) -> dict[str, Any]:
    """Return what a waveform does to a device, with its score weights at the end and at the edge (S)."""
    weights = device.keep_weights()
    begin, above = device.time, device.conductance >= edge
    met: list[tuple[float, float, Floats]] = []

    def look(device: Device, _: float) -> bool:
        if not met and (device.conductance >= edge) != above:
            met.append((device.time - begin, device.source_voltage, weights.values()))
        return False

    device.advance(waveform, samples=2, stop=look)
    time, voltage, at_edge = met[0] if met else (np.nan, np.nan, np.full_like(weights.values(), np.nan))
    return {
        "final": np.array(np.log(device.conductance)),
        "time": np.log(np.array(time)),
        "voltage": np.array(voltage),
        "weight": weights.values(),
        "met_weight": at_edge,
        "events": weights.events.copy(),
    }


def table(found: xr.Dataset) -> tuple[xr.Dataset, Floats]:
    """Return the derivatives of the means, and how many standard errors mean weights are from 0.

    Returns
    -------
    Dataset
        ``derivative`` and ``error`` over value, of (barrier: per eV; frequency: per unit of ln) and
        mechanism; ``mean`` and ``members`` over value; ``information`` and ``information_error`` of one
        device about each ``combination`` (over of and mechanism), in units of `UNITS`, the best told first:
        of all that happens in it, an upper bound to what its conductance tells.
    ndarray of shape (mechanisms,)
        z of the mean weights, a test of the clock; NaN where too little happened.
    """
    import xarray as xr

    rows = []
    for name in VALUES:
        weight = found["weight" if name == "final" else "met_weight"].values
        rows.append(derivatives(found[name].values, weight))
    values = [found[name].values for name in VALUES]
    dims = ("value", "of", "mechanism")
    means = [np.nanmean(one) if np.isfinite(one).any() else np.nan for one in values]
    weights = found["weight"].values
    scale = np.array(list(UNITS.values()))[:, None]
    told, error, parts = combinations((weights * scale).reshape(len(weights), -1))
    made = xr.Dataset(
        {
            "derivative": (dims, np.array([row[0] for row in rows])),
            "error": (dims, np.array([row[1] for row in rows])),
            "mean": ("value", np.array(means)),
            "members": ("value", np.array([np.count_nonzero(np.isfinite(one)) for one in values])),
            "information": ("number", told),
            "information_error": ("number", error),
            "combination": (("number", *dims[1:]), parts.reshape(-1, *weights.shape[1:])),
        },
        coords={
            "value": list(VALUES),
            "of": list(UNITS),
            "mechanism": found["mechanism"].values,
        },
    )
    return made, z_of_means(weights[:, 1], found["events"].values)


def sensitivity(
    configuration: Configuration, *, resistance: float, members: int, output: Path, folder: Path = Path()
) -> xr.Dataset:
    """Return what every barrier and attempt frequency does to the last phase of a configuration.

    Parameters
    ----------
    configuration : Configuration
        With a seed. All phases but the last prepare the devices, and are not differentiated.
    resistance : float
        Edge (ohm) whose time and voltage are looked at.
    members : int
        Devices, at least 3.
    output : Path
        File of the members; what is in the folder beside it is gone on with.
    folder : Path
        Where a material file with a relative name is looked for.

    Returns
    -------
    Dataset
        As of `table`.
    """
    asked = Sensitivity(
        configuration=configuration, conductance=1.0 / resistance, members=members, folder=folder
    )
    with serial() as workers:
        execute(asked, output, workers, isolated=False)
    return table(load(output, Sensitivity.kind))[0]

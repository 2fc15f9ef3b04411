"""Which barrier and which attempt frequency decide what a device does in the last phase of a protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..checks import positive, whole
from ..configuration import device as config
from ..configuration.device import Configuration
from ..configuration.points import Members
from ..data import kinds
from ..data.member_file import MemberColumn
from ..kinetic.device import Device
from ..kinetic.finite_difference import FiniteDifference
from ..kinetic.waveform import Waveform
from ..mpi_runs.child import Context, Stopped
from ..mpi_runs.farm import serial
from ..typing import Floats
from .farm import RareEventStudy, column, execute, load
from .members import prepared
from .parameters import chosen, twins_of, unit
from .score import NORMAL, combinations, derivatives, differences, intervals, z_of_means

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
class Sensitivity(RareEventStudy):
    """What the last phase does to devices, with score weights.

    Parameters
    ----------
    conductance : float
        Edge (S) that is met from either side.
    members : int
        Devices, at least 3.
    by : sequence of str, optional
        Parameters besides every barrier and frequency, see `parameters`; the usual ones by default.
    """

    conductance: float
    members: int
    by: Sequence[str] | None = None

    function: ClassVar[str] = "frenkel.rare.sensitivity:prepare"
    kind: ClassVar[kinds.Mark] = "sensitivity"
    dim: ClassVar[str] = "member"
    columns: ClassVar[Mapping[str, MemberColumn]] = {
        **{name: column(words, "V" if name == "voltage" else "1") for name, words in VALUES.items()},
        "weight": column("score weights at the end: barriers (1/eV), ln frequencies", "1", "of", "mechanism"),
        "met_weight": column("the same when the edge was met", "1", "of", "mechanism"),
        "events": column("events of each mechanism", "1", "mechanism"),
        "mechanism": column("name of the mechanism", "1", "mechanism", kind="constant"),
        "score": column("score weight at the end by a parameter (1/eV, or by ln)", "1", "parameter"),
        "met_score": column("the same when the edge was met", "1", "parameter"),
        "slope": column("d ln(conductance) of the atoms at the end", "1", "parameter"),
        "met_slope": column("the same of the atoms that met the edge", "1", "parameter"),
        "varied": column("values with less and with more of it", "1", "side", "value", "parameter"),
        "parameter": column("name of the parameter", "1", "parameter", kind="constant"),
    }

    def __post_init__(self) -> None:
        RareEventStudy.__post_init__(self)
        positive("conductance", self.conductance, "S")
        whole("members", self.members, 3, 1_000_000)
        chosen(self.configuration, self.folder, self.by)

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
        parameters = chosen(self.configuration, self.folder, self.by)
        return RareEventStudy.document(self) | {"conductance": self.conductance, "by": list(parameters)}


def prepare(
    settings: Mapping[str, Any],
) -> Callable[[int, Context], tuple[dict[str, Any], dict[str, Any]]]:
    """Return what runs one member; ``settings`` as `Sensitivity.document` returns them."""
    configuration, names = config.parse(settings["configuration"]), settings["by"]

    def run(number: int, context: Context) -> tuple[dict[str, Any], dict[str, Any]]:
        def pause() -> None:
            if context.stopping():
                raise Stopped

        device, waveform = prepared(configuration, number, pause)
        own_configuration, _ = Members(configuration).member(number)
        twins = [twins_of(own_configuration, device, name) for name in names]
        observed = observe(device, waveform, settings["conductance"], twins, pause)
        mechanisms = [mechanism.name for mechanism in device.chemistry.mechanisms]
        return observed, {"texts": {"mechanism": mechanisms, "parameter": list(names)}}

    return run


def observe(
    device: Device,
    waveform: Waveform,
    edge: float,
    twins: Sequence[FiniteDifference[Device]] = (),
    pause: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Return what a waveform does to a device and to its twins, and its score weights.

    Parameters
    ----------
    device : Device
    waveform : Waveform
    edge : float
        Conductance (S) that is met from the side on which the device starts.
    twins : sequence of FiniteDifference
        First they follow the device, for the weights; then each goes its own way from the same state with
        the same random numbers.
    pause : callable, optional
        Called before each of these.
    """
    start, weights, is_above = device.state(), device.keep_weights(twins), device.conductance >= edge

    def slopes() -> Floats:
        return np.array([pair.conductance_slope(device) for pair in twins])

    def weighed() -> tuple[Floats, Floats, Floats]:
        return weights.values(), weights.number.copy(), slopes()

    values, met = followed(device, waveform, edge, is_above, weighed)
    device.weights = None
    end = weighed()
    at_edge = met if met is not None else tuple(np.full_like(pair, np.nan) for pair in end)
    varied = np.full((2, len(VALUES), len(twins)), np.nan)
    for number, pair in enumerate(twins):
        for side, twin in enumerate((pair.low, pair.high)):
            pause()
            twin.restore(start)
            varied[side, :, number] = list(followed(twin, waveform, edge, is_above)[0].values())
    return {
        **{name: np.array(value) for name, value in values.items()},
        **dict(zip(("weight", "score", "slope"), end, strict=True)),
        **dict(zip(("met_weight", "met_score", "met_slope"), at_edge, strict=True)),
        "events": weights.events.copy(),
        "varied": varied,
    }


def followed(
    device: Device, waveform: Waveform, edge: float, above: bool, note: Callable[[], Any] = lambda: None
) -> tuple[dict[str, float], Any]:
    """Apply a waveform; return the values of `VALUES`, and what ``note`` said at the edge, or None."""
    begin = device.time
    met: list[tuple[float, float, Any]] = []

    def look(device: Device, _: float) -> bool:
        if not met and (device.conductance >= edge) != above:
            met.append((device.time - begin, device.source_voltage, note()))
        return False

    device.advance(waveform, samples=2, stop=look)
    time, voltage, noted = met[0] if met else (np.nan, np.nan, None)
    values = {"final": np.log(device.conductance), "time": np.log(time), "voltage": voltage}
    return {name: float(value) for name, value in values.items()}, noted


STILL = 1e-6
"""Change of ln(conductance) in a row's step below which what counts as met does not follow the parameter."""

FEWEST_CHANGED = 10
"""Devices in which twins must end otherwise before the scatter of their differences is believed."""


def table(found: xr.Dataset) -> tuple[xr.Dataset, Floats]:
    """Return the derivatives of the means, and how many standard errors mean weights are from 0.

    Returns
    -------
    Dataset
        ``derivative``, ``error`` and the ends ``low`` and ``high`` of its 95 % interval over value, of
        (barrier: per eV; frequency: per unit of ln) and mechanism; ``mean`` and ``members`` over value;
        ``information`` and ``information_error`` of one device about each ``combination`` (over of and
        mechanism), in units of `UNITS`, the most identifiable first: of all that happens in it, an upper
        bound to what its conductance shows. ``change``, ``change_error``, ``change_low`` and ``change_high``
        over value and parameter, for one unit of `parameters.unit`, and ``runs``: whether pairs of runs that
        went their own way gave it, or score weights. See `parameter_rows`.
    ndarray of shape (mechanisms,)
        z of the mean weights, a test of the clock; NaN where too little happened.
    """
    import xarray as xr  # xarray, which the ranks of a run do without

    rows = []
    for name in VALUES:
        weight = found["weight" if name == "final" else "met_weight"].values
        rows.append((*derivatives(found[name].values, weight), *intervals(found[name].values, weight)))
    values = [found[name].values for name in VALUES]
    dims = ("value", "of", "mechanism")
    means = [np.nanmean(numbers) if np.isfinite(numbers).any() else np.nan for numbers in values]
    weights = found["weight"].values
    scale = np.array(list(UNITS.values()))[:, None]
    information, error, parts = combinations((weights * scale).reshape(len(weights), -1))
    dataset = xr.Dataset(
        {
            "derivative": (dims, np.array([row[0] for row in rows])),
            "error": (dims, np.array([row[1] for row in rows])),
            "low": (dims, np.array([row[2] for row in rows])),
            "high": (dims, np.array([row[3] for row in rows])),
            "mean": ("value", np.array(means)),
            "members": ("value", np.array([np.count_nonzero(np.isfinite(numbers)) for numbers in values])),
            "information": ("number", information),
            "information_error": ("number", error),
            "combination": (("number", *dims[1:]), parts.reshape(-1, *weights.shape[1:])),
            **{
                name: (("value", "parameter"), column)
                for name, column in zip(
                    ("change", "change_error", "change_low", "change_high", "runs"),
                    parameter_rows(found),
                    strict=True,
                )
            },
        },
        coords={
            "value": list(VALUES),
            "of": list(UNITS),
            "mechanism": found["mechanism"].values,
            "parameter": found["parameter"].values,
        },
    )
    return dataset, z_of_means(weights[:, 1], found["events"].values)


def parameter_rows(found: xr.Dataset) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Return what one unit of each parameter does to the means, its standard error and interval, and whether
    by runs.

    Two ways are there: weights, with the derivative of the conductance itself added to that of the value at
    the end, and differences of twins. The one with the smaller error is taken; never weights where the
    parameter changes which atoms meet the edge, which weights do not see, and twins only where enough of
    them differ for an error.

    Returns
    -------
    tuple of ndarray of shape (values, parameters)
    """
    step = np.array([unit(str(name))[0] for name in found["parameter"].values])
    rows = []
    for place, name in enumerate(VALUES):
        value, met = found[name].values, "" if name == "final" else "met_"
        slope = found[f"{met}slope"].values
        weights = value, found[f"{met}score"].values, slope if name == "final" else 0.0
        varied = found["varied"].values[:, :, place]
        change, error, changed = differences(varied[:, 0], varied[:, 1])
        by_weight = np.array([*derivatives(*weights), *intervals(*weights)]) * step
        half_width = NORMAL * error
        by_runs = 0.5 * np.array([change, error, change - half_width, change + half_width])
        blind = np.nanmax(np.abs(slope) * step, axis=0, initial=0.0) > STILL
        runs = (by_runs[1] < by_weight[1]) & (changed >= FEWEST_CHANGED)
        if name != "final":
            runs |= blind
        rows.append((*np.where(runs, by_runs, by_weight), runs))
    change, error, low, high, runs = (np.array(column) for column in zip(*rows, strict=True))
    return change, error, low, high, runs


def sensitivity(
    configuration: Configuration,
    *,
    resistance: float,
    members: int,
    output: Path,
    folder: Path = Path(),
    by: Sequence[str] | None = None,
) -> xr.Dataset:
    """Return what barriers, attempt frequencies and other parameters do to the last phase of a configuration.

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
    by : sequence of str, optional
        Parameters, such as "conduction.prefactor" or "circuit.series_resistance"; the usual ones by default.

    Returns
    -------
    Dataset
        As of `table`.
    """
    study = Sensitivity(
        configuration=configuration, conductance=1.0 / resistance, members=members, folder=folder, by=by
    )
    with serial() as workers:
        execute(study, output, workers, isolated=False)
    return table(load(output, Sensitivity.kind))[0]

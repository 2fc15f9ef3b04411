"""From an ensemble, or a measured table, to a card that was judged by devices which were held out.

The laws are fitted in :mod:`frenkel.analysis.fitting`; here they are put together in the order that keeps the
held-out devices out of every choice: split the devices, choose between values and ranks, fit, judge, add the
noise layers from files of their own.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from .. import checks
from ..analysis.fitting import (
    core_fit,
    gate,
    gate_jumps,
    gate_noise,
    jump_fit,
    measured_noise,
    noise_fit,
    observations,
    plausible,
    power,
    pulse_fit,
    small_samples,
    statistical_model,
)
from ..analysis.fitting.cycle_memory import MemoryFitError
from ..analysis.fitting.observations import ObservationError, Observations
from ..analysis.statistics.comparison import Comparison, passed
from ..cells.card import Card
from ..cells.core import RANGES, STEEPEST
from ..configuration.device import Configuration, parse
from ..configuration.phases import Sweep
from ..data import content, kinds, store
from ..data.measured.schema import knows_series
from .ensemble_file import member

Data = str | Path | xr.Dataset
"""A file of cycles, traces or conductances, or what is in one."""

TRACES = ["time", "device_voltage", "current", "phase", "phase_cycle"]
CORE_MEMBERS, CORE_LOOPS = 64, 16
"""Members of an ensemble, and measured loops, whose traces a core is fitted to."""

RESISTANCES, DEVICE, TERMINALS = "resistances", "of the device", "at the terminals"
"""Key of a card's provenance, and what it says: those of ensembles, or of loops behind what is known, are of
the device; others include what is in series."""

CORE_RANGES = {name: RANGES[name] for name in (*core_fit.PROTOCOL, *core_fit.FITTED)}
"""What a caller can say of a core, and within which bounds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedCard:
    """A card with what judged it.

    Parameters
    ----------
    card : Card
        Its ``gate`` holds the rows.
    rows : list of Comparison
        Of the validation: each statistic of the card, its noise floor and its limit.
    held_out : Observations
        The devices that the cycles of the card were judged by.
    cores : xarray.Dataset or None
        Of each device whose traces were fitted its core, as from :func:`.core_fit.fit_devices`.
    """

    card: Card
    rows: list[Comparison]
    held_out: Observations
    cores: xr.Dataset | None = None

    @property
    def passed(self) -> bool:
        """Whether rows judged the card and none of them failed."""
        return bool(self.rows) and passed(self.rows)


def fit_card(
    data: Data,
    *,
    name: str | None = None,
    features: Sequence[str] | None = None,
    held_out: float = 0.3,
    ranks: bool | None = None,
    components: int = 4,
    bootstrap: int = 100,
    seed: int = 0,
    core: Mapping[str, float] | None = None,
    fit_core: bool = False,
    rtn: Data | None = None,
    rtn_voltage: float | None = None,
    relaxation: Data | None = None,
) -> FittedCard:
    """Fit a statistical compact model of a cell to many devices, and judge it by some that were held out.

    Needs scikit-learn (the extra ``fit``). The law, and what fits each of its layers, is in docs/compact.md.

    Parameters
    ----------
    data : path or xarray.Dataset
        Ensemble of ``frenkel run`` (.nc), whose table ``measure`` gives the card a jump-process model, or a
        table: features over (device, cycle), each with ``units``; a .csv file has the columns ``device``,
        ``cycle`` and ``name [unit]``. Of measurements each kind counts: cycles and loops, whose curves give
        the core; pulses, which give a layer of their own and, without cycles, HRS and LRS before trains;
        reads, which give relaxation and, without cycles, the resistance that was programmed.
    name : str, optional
        Of the card; default: that of the file.
    features : sequence of str, optional
        What to fit; default: those of ``hrs``, ``lrs``, ``set_voltage``, ``reset_voltage`` that are there.
    held_out : float
        Fraction of the devices that judge, above 0 and below 1. Where that is fewer than 20, all are fitted,
        and judged by cross-validation over devices or by blocks of cycles (:mod:`.small_samples`): the card's
        ``provenance["judged"]`` says by what, and what it cannot show.
    ranks : bool, optional
        Whether devices differ in the ranks of their values, for values on levels that all devices share;
        default: if it is better on splits of the devices that are fitted (:func:`.gate.choose_ranks`).
    components : int
        Most Gaussians in the mixture of devices, at least 1.
    bootstrap : int
        Refits for the 95 % intervals: 0, or at least 2.
    seed : int
        Of splits, starts and refits; 0 or more.
    core : mapping, optional
        Numbers of the core for circuits that replace those of the ensemble's protocol and states:
        ``set_ramp`` and ``reset_ramp`` (1e-6 to 1e12 V/s), ``read_voltage`` (1e-3 to 10 V), ``drive`` (1e-3
        to 1e3 1/V), ``voltage_scale`` V0 of ``I0 sinh(V/V0)`` (0.01 to 100 V). Without data or a word here
        on each of them the card has no core, and its provenance says what it lacks.
    fit_core : bool
        Whether drive and V0 come from the traces of the ensemble.
    rtn, relaxation : path or xarray.Dataset, optional
        Data of the noise layers: traces, see :func:`.noise_fit.trap_table`, and conductances after
        programming, see :func:`.noise_fit.fit_relaxation`; or ensembles at constant voltage.
    rtn_voltage : float, optional
        Of the traces, -100 to 100 V; needed with ``rtn``.

    Returns
    -------
    FittedCard

    Raises
    ------
    ValueError
        A number is out of range, or a core needs ramps or traces that are not there.
    ObservationError
        Too few devices or cycles, or a table that cannot be read.

    Examples
    --------
    >>> fitted = frenkel.fit_card("ensemble.nc", core={"drive": 15.0, "voltage_scale": 5.0})  # doctest: +SKIP
    >>> fitted.passed, fitted.card.sample(devices=3, cycles=5, seed=7)["hrs"]  # doctest: +SKIP
    """
    name = name or Path(_name(data)).stem
    checks.line("name of the card", name)
    checks.inside("held_out", held_out, 0, 1)
    checks.whole("seed", seed, 0)
    if rtn is not None and rtn_voltage is None:
        raise ValueError("traces need the voltage at which they were read: rtn_voltage")
    data = _once(data)
    loaded, origin = _as_read(data, features, held_out, seed)
    if _is_measurement(data):
        plausible.check(loaded)
        origin |= {"doubts": reasons} if (reasons := plausible.doubts(loaded)) else {}
    settings = statistical_model.FitOptions(
        components=components, bootstrap=bootstrap, seed=seed, ranks=bool(ranks)
    )
    training, judging, stuck_record = _split(loaded, held_out, seed)
    origin |= {"devices_that_repeat": stuck_record} if stuck_record else {}
    chosen: dict[str, Any] = {"ranks": settings.ranks, "chosen_by": "hand"}
    if ranks is None and loaded.values.shape[1] >= statistical_model.POOLED_BELOW:
        chosen = gate.choose_ranks(training, settings, origin.get("levels"))
        settings = replace(settings, ranks=bool(chosen["ranks"]))
    validity, numbers = protocol_of(origin, core or {})
    circuit = _core(
        data, numbers, traces=fit_core, share=1.0 if judging is None else 1.0 - held_out, seed=seed
    )

    def fit(part: Observations, options: statistical_model.FitOptions = settings) -> Card:
        source = origin | {"ranks": chosen, "core": circuit.record}
        return statistical_model.fit(
            part, name, options, validity=validity, core=circuit.numbers, provenance=source
        )

    card = small_samples.fit_kinds(training, fit)
    if judging is None:
        whole = observations.dithered(loaded, seed, fitted=False)[0]
        windowed = small_samples.with_window(whole)
        # Of a few ragged cycles no device may have enough.
        judging = windowed if len(windowed.values) else whole
        rows, judgement = _judge_few(loaded, partial(fit, options=replace(settings, bootstrap=0)), seed)
    else:
        judgement = {"by": "devices held out", "devices": len(judging.values)}
        rows, judging = _judge_many(judging, card, seed)
    card = replace(
        card,
        intervals={**card.intervals, **circuit.intervals},
        provenance={**card.provenance, "judged": judgement},
    )
    layers = _Layers(1.0 - held_out, bootstrap, seed)
    card, layer_record = layers.add(card, data, rtn, float(rtn_voltage or 0.0), relaxation)
    rows += layer_record
    card = replace(card, gate=tuple(row.to_dict() for row in rows))
    return FittedCard(card=card, rows=rows, held_out=judging, cores=circuit.devices)


def _is_text_of_cycles(data: Data) -> bool:
    return not isinstance(data, xr.Dataset) and observations.is_text_of_cycles(data)


def _is_measurement(data: Data) -> bool:
    """Tell whether data are of a laboratory: a text of cycles, or of any measurement that is known."""
    if _is_text_of_cycles(data):
        return True
    with _opened(data) as dataset:
        return kinds.of(dataset) == "measured"


def _split(
    whole: Observations, held_out: float, seed: int
) -> tuple[Observations, Observations | None, dict[str, int]]:
    """Return devices to fit to, to judge by (None: too few to spare), and how many of the first repeat."""
    if small_samples.are_few(whole, held_out):
        training, stuck_record = observations.dithered(whole, seed)
        return training, None, stuck_record
    training, judging = whole.split(1.0 - held_out, seed)
    training, stuck_record = observations.dithered(training, seed)
    judging, _ = observations.dithered(judging, seed, fitted=False)
    return replace(training, origin=f"{whole.origin} without the devices held out"), judging, stuck_record


def _core(data: Data, known: Mapping[str, float], *, traces: bool, share: float, seed: int) -> core_fit.Core:
    """Return the core from traces of an ensemble or of loops, or the states of a fraction of its devices."""
    if traces:
        if not (cycles := first_cycles(data, CORE_MEMBERS)):
            raise ValueError(
                f'{_name(data)} kept no traces to fit a core to; run it with ensemble.keep = "traces"'
            )
        return core_fit.of_traces(cycles, known)
    if not _is_text_of_cycles(data):
        with _opened(data) as dataset:
            if kinds.of(dataset) == "measured" and "loop" in dataset.dims:
                return _core_of_loops(dataset, known)
            if jump_fit.measured(dataset):
                finished_members = jump_fit.finished(dataset)
                chosen = (
                    finished_members
                    if share == 1.0
                    else finished_members[observations.parts(len(finished_members), share, seed)[0]]
                )
                return core_fit.of_numbers(known, core_fit.of_states(dataset, chosen))
    return core_fit.of_numbers(known, {})


def _core_of_loops(data: xr.Dataset, known: Mapping[str, float]) -> core_fit.Core:
    """Return the core that measured loops tell; what a caller says replaces it."""
    curves, numbers = core_fit.of_loops(data, CORE_LOOPS)
    numbers |= known
    try:
        if curves and not set(core_fit.FITTED) <= set(known):
            return core_fit.of_traces(curves, numbers, known)
    except ObservationError:
        pass  # fewer than three loops switch
    return core_fit.of_numbers(known, numbers)


def _judge_many(held_out: Observations, card: Card, seed: int) -> tuple[list[Comparison], Observations]:
    """Return the rows of devices held out, and those of their cycles that have a window, if others do not."""
    parted = "stuck" in card.provenance
    windowed = small_samples.with_window(held_out) if parted else held_out
    if len(windowed.values) < gate.FEWEST:
        return small_samples.judge_fixed(held_out, card, seed)[0], windowed
    rows = gate.judge(windowed, small_samples.working(card), seed=seed)
    return rows + (small_samples.judge_kind(held_out, card, seed) if parted else []), windowed


def _judge_few(
    whole: Observations, fit: small_samples.Fit, seed: int
) -> tuple[list[Comparison], dict[str, Any]]:
    """Return rows, and by what they were judged; a card stands where nothing is left to judge it by."""
    try:
        return small_samples.judge(whole, fit, seed)
    except (ObservationError, MemoryFitError) as error:
        return [], small_samples.not_judged(whole, str(error))


def judge_card(
    card: Card, data: Data, *, rtn: Data | None = None, relaxation: Data | None = None, seed: int = 0
) -> tuple[list[Comparison], Observations]:
    """Return the rows of the validation of a card, and the devices, all of them held out.

    Parameters
    ----------
    card : Card
    data, rtn, relaxation : path or xarray.Dataset
        Of devices that the card was not fitted to, as :func:`fit_card` takes them.
    seed : int
        Of the splits.
    """
    data = _once(data)
    held_out, source = read_cycles(data, card.names)
    if _is_measurement(data):
        plausible.check(held_out)
    ours, theirs = (_resistances(record) for record in (card.provenance, source))
    if ours and theirs and ours != theirs and {"hrs", "lrs"} & set(card.names):
        raise ObservationError(
            f"resistances of the card are {ours}, those of {source['file']} {theirs}: read the loops with "
            "--series-resistance"
        )
    gate.check_compound(card, source)
    steps = _steps(held_out, source) if "steps" in card.provenance else {}
    held_out = observations.read_within_steps(held_out, steps, seed)
    held_out = observations.read_with_error(held_out, card.provenance.get("levels", {}), seed)
    held_out, _ = observations.dithered(held_out, seed, fitted=False)
    rows, held_out = _judge_cycles(held_out, card, seed)
    if rtn is not None:
        traps = noise_fit.trap_table(_noise(rtn, "rtn")[0])
        rows += gate_noise.judge_rtn(traps, card, seed=seed)
    if relaxation is not None:
        rows += gate_noise.judge_relaxation(_noise(relaxation, "relaxation")[0], card, seed=seed)
    if not _is_text_of_cycles(data):
        with _opened(data) as dataset:
            if card.pulse_law is not None and pulse_fit.measured(dataset):
                rows += pulse_fit.judge(pulse_fit.gathered(dataset), card.pulse_law, seed=seed)
            if card.jump_law is not None and jump_fit.measured(dataset):
                finished_members = jump_fit.finished(dataset)
                rows += gate_jumps.judge(card.jump_law, dataset, finished_members, seed=seed)
                rows += gate_jumps.judge_core(card, dataset, finished_members, seed=seed)
    return rows, held_out


def _judge_cycles(held_out: Observations, card: Card, seed: int) -> tuple[list[Comparison], Observations]:
    """Return the rows of cycles of a card that was fitted to others, and the devices that judged it."""
    if small_samples.are_few(held_out):
        return small_samples.judge_fixed(held_out, card, seed)[0], held_out
    return _judge_many(held_out, card, seed)


def power_of(card: Card, held_out: Observations, *, trials: int = 20, seed: int = 0) -> power.Power:
    """Return what the rows of cycles of a validation could have seen, see :mod:`.analysis.fitting.power`.

    Parameters
    ----------
    card : Card
    held_out : Observations
        The devices that :func:`judge_card` returns.
    trials : int
        Sets of devices that are drawn for each number, at least 1.
    seed : int
        Of the splits and the sets.
    """
    checks.whole("trials", trials, 1)

    def judge(devices: Observations) -> list[Comparison]:
        return _judge_cycles(devices, card, seed)[0]

    return power.study(card, held_out, judge(held_out), judge, trials=trials, seed=seed)


@dataclass(frozen=True, slots=True)
class _Layers:
    """Fits noise layers to a fraction of the devices of a file, and judges them by the others."""

    share: float
    resamples: int
    seed: int

    def add(
        self, card: Card, data: Data, rtn: Data | None, rtn_voltage: float, relaxation: Data | None
    ) -> tuple[Card, list[Comparison]]:
        """Return the card with every layer that there are data for, and their rows."""
        rows: list[Comparison] = []
        if rtn is not None:
            card, rows = self.add_rtn(card, rtn, rtn_voltage)
        if relaxation is not None:
            card, layer_record = self.add_relaxation(card, relaxation)
            rows = rows + layer_record
        if not _is_text_of_cycles(data):
            with _opened(data) as dataset:
                if kinds.of(dataset) == "measured":
                    own = dataset.copy()
                    own.encoding["source"] = _name(data)
                    card, layer_record = self.add_measured(card, own, relaxation is None)
                    rows = rows + layer_record
        card, layer_record = self.add_jumps(card, data)
        return card, rows + layer_record

    def add_measured(self, card: Card, data: xr.Dataset, relaxes: bool) -> tuple[Card, list[Comparison]]:
        """Return the card with the layers that pulses and reads of the file give, and their rows.

        What a kind does not tell beside others is said in the provenance; alone it is an error.
        """
        added: list[tuple[str, Callable[[Card, xr.Dataset], tuple[Card, list[Comparison]]]]] = []
        if pulse_fit.measured(data):
            added.append(("pulses", self.add_pulses))
        if relaxes and "read" in data.dims:
            added.append(("relaxation", self.add_relaxation))
        rows: list[Comparison] = []
        for name, add in added:
            try:
                card, layer_record = add(card, data)
            except ObservationError as error:
                if "cycle" not in data.dims and len(added) == 1:
                    raise
                notes = {**card.provenance.get("left_out", {}), name: str(error)[:250]}
                card = replace(card, provenance={**card.provenance, "left_out": notes})
                continue
            rows += layer_record
        return card, rows

    def add_pulses(self, card: Card, data: xr.Dataset) -> tuple[Card, list[Comparison]]:
        """Return the card with a layer of pulses, and its rows."""
        training, held_out = pulse_fit.split(pulse_fit.gathered(data), self.share, self.seed)
        law, record = pulse_fit.fit(training, self.seed)
        volts = [min(0.0, float(law.voltage.min())), max(0.0, float(law.voltage.max()))]
        box = {**card.validity, "voltage": (volts[0], volts[1])}
        if np.any(law.width):
            widths = observations.rounded(np.exp([law.width.min(), law.width.max()]))
            box["pulse_width"] = (float(widths[0]), float(widths[1]))
        card = _with(card, {}, {"pulses": {"file": _name(data), **record}}, pulse_law=law, validity=box)
        return card, pulse_fit.judge(held_out, law, seed=self.seed)

    def add_rtn(self, card: Card, data: Data, voltage: float) -> tuple[Card, list[Comparison]]:
        """Return the card with a layer of telegraph noise, read at a voltage (V), and its rows."""
        checks.between("rtn_voltage", voltage, -100.0, 100.0, "V")
        traces, source = _noise(data, "rtn")
        training, held_out = noise_fit.split(noise_fit.trap_table(traces), self.share, self.seed)
        law, intervals = noise_fit.fit_rtn(
            training,
            voltage=voltage,
            temperature=_heat(traces, card),
            resamples=self.resamples,
            seed=self.seed,
        )
        card = _with(card, intervals, {"rtn": source}, rtn_law=law)
        return card, gate_noise.judge_rtn(held_out, card, seed=self.seed)

    def add_relaxation(self, card: Card, data: Data) -> tuple[Card, list[Comparison]]:
        """Return the card with a layer of relaxation, and its rows."""
        at_rest, source = _noise(data, "relaxation")
        training, held_out = noise_fit.split(at_rest, self.share, self.seed)
        reasons = plausible.doubts_of_reads(at_rest, source["file"])
        if reasons:
            known = [*card.provenance.get("doubts", []), *reasons]
            card = replace(card, provenance={**card.provenance, "doubts": known})
        law, intervals = noise_fit.fit_relaxation(
            training, temperature=_heat(at_rest, card), resamples=self.resamples, seed=self.seed
        )
        box = {**card.validity, "time": law.times}
        card = _with(card, intervals, {"relaxation": source}, relaxation_law=law, validity=box)
        return card, gate_noise.judge_relaxation(held_out, card, seed=self.seed)

    def add_jumps(self, card: Card, data: Data) -> tuple[Card, list[Comparison]]:
        """Return the card with a jump-process model where an ensemble was measured for it, and its rows."""
        if _is_text_of_cycles(data):
            return card, []
        with _opened(data) as dataset:
            if not jump_fit.measured(dataset):
                return card, []
            loaded = dataset.load()
        finished_members = jump_fit.finished(loaded)
        # The devices that the cycles were fitted to, where some of them were held out.
        training, held_out = (
            finished_members[part]
            for part in observations.parts(len(finished_members), self.share, self.seed)
        )
        law, source = jump_fit.fit(loaded, training, seed=self.seed)
        if given_up := gate_jumps.given_up(loaded, held_out):
            source["given_up"] = given_up
        heats = (float(law.temperatures[0]), float(law.temperatures[-1]))
        card = replace(
            card,
            jump_law=law,
            validity={**card.validity, "temperature": heats},
            provenance={**card.provenance, "jumps": source},
        )
        if len(held_out) < 2:
            return card, []
        rows = gate_jumps.judge(law, loaded, held_out, seed=self.seed)
        return card, rows + gate_jumps.judge_core(card, loaded, held_out, seed=self.seed)


def _with(card: Card, intervals: Mapping[str, Any], made: Mapping[str, Any], **layer: Any) -> Card:
    noise = {**card.provenance.get("noise", {}), **made}
    return replace(
        card,
        intervals={**card.intervals, **intervals},
        provenance={**card.provenance, "noise": noise},
        **layer,
    )


def _heat(data: xr.Dataset, card: Card) -> float:
    """Return the temperature (K) of noise: its own, else that of the cycles."""
    return float(data.attrs.get("temperature", card.validity.get("temperature", (300.0, 300.0))[0]))


def _noise(data: Data, kind: str) -> tuple[xr.Dataset, dict[str, Any]]:
    """Return the data of a noise layer, and for the card where they come from."""
    with _opened(data) as dataset:
        loaded = noise_fit.of_members(dataset.load(), kind)
    record = {"file": _name(data), "devices": int(loaded.sizes.get("device", 0))}
    # The set may be another than that of the cycles: traps and slow hops have sets of their own.
    named = (key for key in ("material", "temperature") if str(loaded.attrs.get(key, "")))
    record |= {key: loaded.attrs[key] for key in named}
    for key in ("file", "material"):
        checks.line(f"{key} of the {kind} data", record.get(key, key), longest=255, error=ObservationError)
    return loaded, record


def _resistances(made: Mapping[str, Any]) -> str:
    """Return whether resistances are of devices or at the terminals; "": what was read does not say."""
    return str(made.get(RESISTANCES, DEVICE if made.get("ensemble") else ""))


def read_cycles(data: Data, features: Sequence[str] | None = None) -> tuple[Observations, dict[str, Any]]:
    """Return the cycles in a file and where they come from; of an ensemble, with its configuration."""
    source: dict[str, Any] = {"file": _name(data)}
    if _is_text_of_cycles(data):
        return observations.from_csv(str(data), features), source
    with _opened(data) as dataset:
        origin = source["file"] if isinstance(data, xr.Dataset) else str(data)
        is_measured = kinds.of(dataset) == "measured"
        shown = _as_cycles(dataset, source["file"]) if is_measured else dataset
        cycles = observations.from_dataset(shown, features, origin)
        ensemble = _provenance(dataset, origin)
        if is_measured:
            cycles = observations.set_positive(cycles)
            source[RESISTANCES] = DEVICE if knows_series(dataset) else TERMINALS
    return cycles, source | ({"ensemble": ensemble} if ensemble else {})


def _as_cycles(data: xr.Dataset, origin: str) -> xr.Dataset:
    """Return measurements with cycles: those of devices that have some, or what pulses or reads tell.

    Raises
    ------
    ObservationError
        There are traces alone.
    """
    if "cycle" in data.dims:
        numbers = [one for one in data.data_vars.values() if one.dims == ("device", "cycle")]
        return data.isel(device=np.any([np.isfinite(one.values).any(axis=1) for one in numbers], axis=0))
    if pulse_fit.measured(data):
        return pulse_fit.cycles(data)
    if "read" in data.dims:
        return measured_noise.programmed(data)
    raise ObservationError(
        f"{origin} has traces at constant voltage alone, which do not tell a state: frenkel rtn analyses "
        "them; a card needs cycles, loops, pulses or reads of the same cells, and takes traces with --rtn"
    )


def _provenance(data: xr.Dataset, origin: str) -> dict[str, Any]:
    """Return what made an ensemble; empty where its file does not say."""
    try:
        record = json.loads(data.attrs.get("provenance", "{}"))
        points = record.get("configuration", {}).get("points", [])
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise ObservationError(f"the provenance of {origin} is not that of an ensemble") from None
    if not isinstance(points, list) or not all(isinstance(point, dict) for point in points):
        raise ObservationError(
            f"configuration.points in the provenance of {origin} must be a list of sections"
        )
    return dict(record)


def first_cycles(data: Data, most: int = 24) -> list[xr.Dataset]:
    """Return time, device voltage and current of the first cycle of some members, or of some loops."""
    if _is_text_of_cycles(data):
        return []
    cycles: list[xr.Dataset] = []
    with _opened(data) as ensemble:
        if kinds.of(ensemble) == "measured" and "loop" in ensemble.dims:
            return core_fit.of_loops(ensemble, most)[0]
        # A table of a user has no traces, and a sweep has no single row of members.
        if "sample_count" not in ensemble or set(ensemble["sample_count"].dims) != {"member"}:
            return []
        finished_members = np.flatnonzero(ensemble["status"].values == observations.FINISHED)
        for number in ensemble["member"].values[finished_members][:most]:
            result = member(ensemble, int(number))[TRACES]
            in_cycle = result["phase_cycle"].values[result["phase"].values] == 1
            cycles.append(result.isel(sample=np.flatnonzero(in_cycle)).load())
    return cycles


def protocol_of(
    made: Mapping[str, Any], given: Mapping[str, float]
) -> tuple[dict[str, tuple[float, float]], dict[str, float]]:
    """Return validity box and numbers of a core: of the configuration of an ensemble, and what a caller says.

    Parameters
    ----------
    made : mapping
        As :func:`read_cycles` returns it.
    given : mapping
        Of :data:`CORE_RANGES`; it replaces what the configuration says.

    Returns
    -------
    tuple
        Both in SI; a number that neither says is not in it.
    """
    for name, value in given.items():
        checks.one_of("number of a core", name, CORE_RANGES)
        low, high, unit = CORE_RANGES[name]
        checks.between(name, value, low, high, unit)
    box: dict[str, tuple[float, float]] = {}
    numbers: dict[str, float] = {}
    settings = _configuration(made)
    if settings is not None:
        cycled = [(name, phase) for name, cycle, phase in settings.phases() if cycle]
        sweeps = [(name, phase) for name, phase in cycled if isinstance(phase, Sweep)]
        if lit := [name for name, phase in sweeps if phase.light]:
            raise ObservationError(f"{made['file']}: cycles of a card must be in the dark, {lit[0]} is not")
        if heated := [name for name, phase in sweeps if phase.temperatures]:
            raise ObservationError(
                f"{made['file']}: all cycles of a card must be at one temperature, that of the device, but "
                f"phase {heated[0]} has one of its own"
            )
        numbers = {f"{s.kind}_ramp": abs(s.rate) for _, s in sweeps if s.kind in ("set", "reset")}
        numbers["read_voltage"] = settings.read_voltage
        if sweeps:
            volts = [s.amplitude for _, s in sweeps]
            box["voltage"] = (min(0.0, *volts), max(0.0, *volts))
        box["temperature"] = (settings.device.temperature, settings.device.temperature)
    numbers |= given
    if "voltage_scale" in numbers and "read_voltage" in numbers:
        steepness = numbers["read_voltage"] / numbers["voltage_scale"]
        checks.between("read_voltage in units of voltage_scale", steepness, 0.0, STEEPEST)
    return box, numbers


def _configuration(made: Mapping[str, Any]) -> Configuration | None:
    """Return the configuration of the ensemble that cycles come from; None where none is known."""
    documents = made.get("ensemble", {}).get("configuration", {}).get("points")
    return parse(documents[0], made["file"]) if documents else None


def _once(data: Data) -> Data:
    """Return measurements in a text as a dataset, so that they are read once; all others as they are."""
    is_text = not isinstance(data, xr.Dataset) and Path(data).suffix != ".nc"
    if not is_text or store.form_of(data) == "netcdf" or _is_text_of_cycles(data):
        return data
    from . import measurements  # here alone: only a table needs its readers, and pandas

    dataset = measurements.of_file(Path(data))
    dataset.encoding["source"] = str(data)
    return dataset


@contextmanager
def _opened(data: Data) -> Iterator[xr.Dataset]:
    if isinstance(data, xr.Dataset):
        yield data
    elif isinstance(read := _once(data), xr.Dataset):
        yield read
    else:
        content.check(Path(data))
        with kinds.open(data) as dataset:
            yield dataset


def _as_read(
    data: Data, features: Sequence[str] | None, held_out: float, seed: int
) -> tuple[Observations, dict[str, Any]]:
    """Return cycles; where states were read, levels of those that are fitted have the error of a reading."""
    cycles, source = read_cycles(data, features)
    if _is_text_of_cycles(data):
        return cycles, source
    with _opened(data) as dataset:
        if not jump_fit.measured(dataset):
            return cycles, source
    steps = _steps(cycles, source)
    training = cycles if small_samples.are_few(cycles, held_out) else cycles.split(1.0 - held_out, seed)[0]
    levels = {name: n for name, n in observations.levels_of(training).items() if name not in steps}
    read = observations.read_with_error(observations.read_within_steps(cycles, steps, seed), levels, seed)
    return read, source | ({"levels": levels} if levels else {}) | ({"steps": steps} if steps else {})


def _steps(cycles: Observations, made: Mapping[str, Any]) -> dict[str, float]:
    """Return the distance (V) of samples of the ramps at which each switching voltage was read."""
    settings = _configuration(made)
    phases = [phase for _, cycle, phase in settings.phases() if cycle] if settings is not None else []
    steps = {f"{phase.kind}_voltage": phase.step for phase in phases if isinstance(phase, Sweep)}
    return {name: step for name, step in steps.items() if name in cycles.names}


def _name(data: Data) -> str:
    """Return the name of a file, or of the one that a dataset was read from."""
    source = data.encoding.get("source", "dataset") if isinstance(data, xr.Dataset) else data
    return Path(source).name

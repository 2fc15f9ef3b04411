"""Make files of today of those that frenkel wrote at commit ee91764; no other module reads such files.

What that commit wrote otherwise:

=====================  =======================================================================================
result of a device     no largest currents and steps of all events; they are taken from the samples
ensemble               the same, and no member of each entry, ``reset_current``, ``time_above_melting``
result of an array     ``operation_row`` and ``operation_column`` for word and bit lines
their configurations   ``to_limit``, ``rows``, ``columns``, ``columns_per_adc``, ``parallel = "row"``
card                   schema 1.2.0: no jump-process model
=====================  =======================================================================================

Checkpoints, shards and folders of runs hold the state of a run in progress and cannot be migrated: such a run
is begun again. Datasets of studies are made again by ``frenkel study``.
"""

import json
import re
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from . import provenance, toml
from .analysis.fitting import card_schema
from .analysis.results import switching
from .cells import files
from .cells.card import Card
from .data import content, kinds, layout, schema, store
from .experiment import array_file, ensemble_file
from .kinetic.extremes import DIRECTIONS, CurrentSample, CurrentStep, Extremes
from .typing import Floats

COMMIT = "ee91764"
CARD_SCHEMA = "1.2.0"
KEYS = {
    "to_limit": "to_compliance",
    "rows": "word_lines",
    "columns": "bit_lines",
    "columns_per_adc": "bit_lines_per_adc",
}
"""Keys of configurations, then and now."""

VARIABLES = {"operation_row": "operation_word_line", "operation_column": "operation_bit_line"}
"""Variables of arrays, then and now."""

MATERIALS = ("material_document", "materials")
"""Keys of a recorded configuration that hold materials, whose keys are the same."""

OF_SAMPLES = f"of the samples: commit {COMMIT} recorded no events"
RULES_BEFORE = {
    "forming_voltage": switching.LARGEST_STEP,
    "set_voltage": switching.LARGEST_STEP,
    "reset_voltage": switching.LARGEST_CURRENT,
}
"""Rules by which an ensemble of that commit has its switching voltages."""

LACKING = {
    "reset_current": ("largest current of RESET before the source turns back", "A"),
    "time_above_melting": ("longest time above the melting point without a break", "s"),
}
"""Numbers of members that were not kept, NaN in what is made: what they are, and their units."""


class MigrationError(ValueError):
    """A file is none that can be made one of today."""


def migrate(source: str | Path, target: str | Path | None = None, *, force: bool = False) -> Path | None:
    """Make a file of today of one that frenkel wrote at commit ee91764.

    Parameters
    ----------
    source : str or Path
        Result (.nc) of a device, an ensemble or an array; card (.json); configuration (.toml).
    target : str or Path, optional
        Default: the name of the source with ".today" before its ending.
    force : bool
        Whether to replace an existing file.

    Returns
    -------
    Path or None
        What was written; None where the source is a file of today already.

    Raises
    ------
    MigrationError
        It is a checkpoint or the like, or of another commit.
    StoreError, CardError, ProvenanceError
        It cannot be read, is damaged or was changed; or the target cannot be written.
    """
    path = Path(source)
    written = Path(target) if target is not None else path.with_name(f"{path.stem}.today{path.suffix}")
    if path.is_dir() or path.suffix in (".checkpoint", ".shard", ".run"):
        raise MigrationError(
            f"{path} holds a run in progress, which only the frenkel that began it can end: run it again"
        )
    if path.suffix == ".json":
        return _card(path, written, force)
    if path.suffix == ".toml":
        return _configuration(path, written, force)
    return _result(path, written, force)


def _card(source: Path, target: Path, force: bool) -> Path | None:
    data = files.read(source)
    if not isinstance(data, dict) or data.get("schema") != CARD_SCHEMA:
        Card.from_dict(data, str(source))  # one of today, or an error that names what is wrong
        return None
    body = {key: value for key, value in data.items() if key != "checksum"}
    if data.get("checksum") != files.checksum(body):
        raise MigrationError(f"{source} was changed after it was written: its checksum does not fit")
    body |= {"schema": files.SCHEMA_VERSION, "jumps": None}
    card = Card.from_dict(body | {"checksum": files.checksum(body)}, str(source))
    return card_schema.save(card, target, force=force)


def _configuration(source: Path, target: Path, force: bool) -> Path | None:
    """Rename keys in the text of a configuration, whose comments stay."""
    old, text = toml.read(source), source.read_text(encoding="utf-8")
    renamed = _renamed(old)
    if renamed == old:
        return None
    for key, new_key in KEYS.items():
        text = re.sub(rf"(?m)(^|[{{,.\s]){key}(?=\s*=)", rf"\g<1>{new_key}", text)
    text = re.sub(r"(\bparallel\s*=\s*)([\"'])row\2", r"\g<1>\g<2>word line\g<2>", text)
    if tomllib.loads(text) != renamed:
        names = ", ".join(f"{key} to {new_key}" for key, new_key in KEYS.items())
        raise MigrationError(f"the keys of {source} cannot be renamed here, rename them by hand: {names}")
    return store.write_bytes(text.encode(), store.writable(target, force=force))


def _renamed(value: Any) -> Any:
    """Return a configuration with the keys of today."""
    if isinstance(value, Mapping):
        new = {
            KEYS.get(key, key): item if key in MATERIALS else _renamed(item) for key, item in value.items()
        }
        return new | ({"parallel": "word line"} if new.get("parallel") == "row" else {})
    return [_renamed(item) for item in value] if isinstance(value, list) else value


def _result(source: Path, target: Path, force: bool) -> Path | None:
    if store.form_of(source) != "netcdf":
        raise MigrationError(f"{source} is no result (.nc), card (.json) or configuration (.toml)")
    content.check(source)
    try:
        old = kinds.load(source, *MAKERS)
    except kinds.WrongFileError as error:
        raise MigrationError(str(error)) from None
    kind = kinds.of(old)
    assert kind != "netcdf"  # since it was loaded as one of those that are made
    document, _, _ = provenance.parse(old.attrs.get("provenance"), str(source))
    changed = _renamed(document)
    new = MAKERS[kind](old)
    if new is old and changed == document:
        return None
    record = provenance.read(old.attrs["provenance"])
    record |= {"configuration": changed, "configuration_hash": provenance.digest(changed)}
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    history = f"{old.attrs.get('history', '')}; {moment} migrated from commit {COMMIT}"
    new = new.assign_attrs(provenance=json.dumps(record), history=history)
    new.attrs.pop(content.ATTRIBUTE, None)
    if kind == "ensemble":
        return store.save_table(new, target, force=force)
    layout = array_file.LAYOUT if kind == "array" else schema.LAYOUT
    return store.save(new, target, force=force, layout=layout)


def _array(old: xr.Dataset) -> xr.Dataset:
    names = {then: new_name for then, new_name in VARIABLES.items() if then in old.variables}
    return old.rename(names) if names else old


def _device(old: xr.Dataset) -> xr.Dataset:
    if "peak_current" in old.variables:
        return old
    everything = slice(0, old.sizes["sample"]), slice(0, old.sizes["phases"])
    return _with_extremes(old, [everything])


def _ensemble(old: xr.Dataset) -> xr.Dataset:
    if ensemble_file.MERGED in old.attrs:
        return old
    new = old.assign_attrs({ensemble_file.MERGED: f"migrated from {COMMIT}"})
    for dim in ensemble_file.RAGGED_DIMS:
        if f"{dim}_count" in old.variables:
            count = old[f"{dim}_count"]
            member_of_value = np.broadcast_to(old["member"].values, count.shape)
            owner = np.repeat(member_of_value.ravel(), count.values.ravel())
            text = f"member that the entry along {dim} belongs to"
            new[f"{dim}_member"] = (dim, owner.astype(np.int32), {"units": "1", "long_name": text})
    for name, (long_name, units) in LACKING.items():
        template = old["reset_voltage" if name == "reset_current" else "duration"]
        attrs = {"units": units, "long_name": long_name, "comment": f"NaN: not kept by commit {COMMIT}"}
        new[name] = (template.dims, np.full(template.shape, np.nan), attrs)
    for name in ("forming_voltage", "set_voltage", "reset_voltage"):
        new[name].attrs |= {"comment": f"{OF_SAMPLES}; NaN: none", layout.RULE: RULES_BEFORE[name]}
    if "sample_count" not in old.variables:
        return new.assign_coords(direction=("direction", np.array(DIRECTIONS, object), _attrs("direction")))
    ends = [np.cumsum(old[f"{dim}_count"].values, dtype=np.int64) for dim in ("sample", "phases")]
    pieces = [[slice(a, b) for a, b in zip([0, *end[:-1]], end, strict=True)] for end in ends]
    return _with_extremes(new, zip(*pieces, strict=True))


def _with_extremes(old: xr.Dataset, devices: Any) -> xr.Dataset:
    """Return a dataset with largest currents and steps; ``devices`` are samples and phases of each."""
    rows = [extremes.values() for sample, phases in devices for extremes in _extremes(old, sample, phases)]
    new = old.assign_coords(direction=("direction", np.array(DIRECTIONS, object), _attrs("direction")))
    for name in Extremes().values():
        dims = schema.VARIABLES[name].dims
        values = np.array([row[name] for row in rows], float).reshape([new.sizes[dim] for dim in dims])
        new[name] = (dims, values, _attrs(name) | {"comment": OF_SAMPLES})
    return new


def _extremes(data: xr.Dataset, sample: slice, phases: slice) -> Iterator[Extremes]:
    """Yield the largest currents and steps of each phase of a device."""
    names = ("phase", "current", "source_voltage", "device_voltage", "time")
    phase, *columns = (data[name].values[sample] for name in names)
    for number, compliance in enumerate(data["phase_compliance"].values[phases]):
        yield of_samples(*(column[phase == number] for column in columns), compliance=float(compliance))


def of_samples(
    current: Floats, source: Floats, device: Floats, moment: Floats, *, compliance: float
) -> Extremes:
    """Return the largest currents of a phase, and its largest step up, as its samples tell them.

    The step is the largest that at least doubles the conductance, before the limit is reached: from the
    sample before it, at the source voltage after it. There is no step down.

    Parameters
    ----------
    current, source, device, moment : (n,) float64
        Current (A), source voltage and voltage across the device (V), time (s).
    compliance : float
        Limit of the current (A), NaN for none.
    """
    extremes, size, volts = Extremes(), np.abs(current), np.abs(source)
    if not len(current):
        return extremes

    def at(index: int) -> CurrentSample:
        return CurrentSample(*(float(column[index]) for column in (current, source, device, moment)))

    turn = int(np.flatnonzero(volts == volts.max())[-1])
    extremes.peak, extremes.out = at(int(np.argmax(size))), at(int(np.argmax(size[: turn + 1])))
    limited = np.flatnonzero(size >= switching.REACHED * compliance)
    end = int(limited[0]) if len(limited) else int(np.argmax(volts))
    if jump := switching.largest_jump(source[: end + 1], size[: end + 1]):
        before, after = at(jump - 1), at(jump)
        change = abs(after.current) - abs(before.current)
        extremes.up = CurrentStep(
            change, before.current, after.source_voltage, before.device_voltage, after.time
        )
    return extremes


def _attrs(name: str) -> dict[str, Any]:
    return schema.VARIABLES[name].attrs()


MAKERS: dict[kinds.Mark, Callable[[xr.Dataset], xr.Dataset]] = {
    "device": _device,
    "ensemble": _ensemble,
    "array": _array,
}
"""What makes results of today, by their kind."""

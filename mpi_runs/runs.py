"""The folder of a run: its configuration, its shards, what of it is done and what is not."""

import contextlib
import json
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..data import stopping
from ..escape import shell
from . import index, shards
from .merge import Located, Whole

DOCUMENT = "configuration.json"
Number = TypeVar("Number", bound=np.integer[Any])
ATTEMPTS = 3  # of a member that fails


class ChangedError(ValueError):
    """The folder holds members of another configuration; the message names the keys that differ."""


@dataclass(slots=True)
class Survey(Located):
    """What the shards of some folders hold: every record, in the order of the shards.

    Attributes
    ----------
    faults : list of Fault
    """

    faults: list[shards.Fault]

    def best(self, members: Sequence[int] | Whole) -> Located:
        """Return the record of each member: a good one where there is one, else the last."""
        numbers = np.asarray(members, np.int64)
        # The last of equal members after sorting wins, so good records come last.
        order = np.lexsort((np.arange(len(self.member)), self.status == shards.OK, self.member))
        ordered = self.member[order]
        place = np.searchsorted(ordered, numbers, side="right") - 1
        is_recorded = (
            (place >= 0) & (ordered[place] == numbers) if len(ordered) else np.zeros(len(numbers), bool)
        )
        row = order[place] if len(ordered) else np.zeros(len(numbers), np.int64)

        def pick(values: NDArray[Number], other: int) -> NDArray[Number]:
            picked = np.full(len(numbers), other, values.dtype)
            if len(values):
                picked[is_recorded] = values[row[is_recorded]]
            return picked

        return Located(
            self.paths,
            numbers,
            pick(self.status, shards.MISSING),
            pick(self.shard, -1),
            pick(self.offset, 0),
            pick(self.length, 0),
        )

    def to_run(self, members: Sequence[int] | Whole, *, retry: bool = False) -> Whole:
        """Return the members that are not done; those that failed too often only with ``retry``."""
        numbers = np.asarray(members, np.int64)
        is_finished = np.isin(numbers, self.member[self.status == shards.OK])
        unfinished = numbers[~is_finished]
        if retry or not len(unfinished):
            return unfinished
        failed, times = np.unique(self.member[self.status != shards.OK], return_counts=True)
        return unfinished[~np.isin(unfinished, failed[times >= ATTEMPTS])]


def survey(
    folders: Iterable[Path], configuration_hash: str | None = None, part: str | None = None
) -> Survey:
    """Find the records of some folders, by the indices of the shards or by reading them.

    Parameters
    ----------
    folders : iterable of Path
    configuration_hash : str, optional
        What every shard must belong to.
    part : str, optional
        Part of a divided run. Shards of the other parts, which may be written meanwhile, are not read: of
        them counts what their indices say.

    Raises
    ------
    ChangedError
        A shard belongs to another configuration.
    ShardError
        A shard cannot be read.
    """
    paths = [path for folder in folders for path in sorted(folder.glob("*.shard"))]
    looked = [index.kept(path) if _of_another(path, part) else index.of_shard(path) for path in paths]
    indexed = [shard for shard in looked if shard is not None]
    if configuration_hash is not None:
        for shard in indexed:
            _check_owner(shard, configuration_hash)

    def joined(name: str, dtype: type[Number]) -> NDArray[Number]:
        return np.concatenate([np.zeros(0, dtype), *(getattr(shard, name) for shard in indexed)])

    return Survey(
        [shard.path for shard in indexed],
        joined("member", np.int64),
        joined("status", np.uint8),
        np.repeat(np.arange(len(indexed), dtype=np.int32), [len(shard.member) for shard in indexed]),
        joined("offset", np.int64),
        joined("length", np.int64),
        [fault for shard in indexed for fault in shard.faults],
    )


def _of_another(path: Path, part: str | None) -> bool:
    """Tell whether a shard is of another part of the same division, whose members are not those of this."""
    _, separator, number = (part or "").partition("-of-")
    other = path.name.partition(".")[0]
    return bool(separator) and other != part and other.endswith(f"{separator}{number}")


def _check_owner(found: shards.Index, configuration_hash: str) -> None:
    """Raise an error where a shard, or a record in it, belongs to another configuration."""
    recorded = (found.header or {}).get("configuration_hash")
    if recorded not in (None, configuration_hash):
        raise ChangedError(
            f"{found.path} belongs to another configuration ({recorded!s:.12}, not {configuration_hash:.12})"
        )
    foreign = found.owners - {shards.owner(configuration_hash)}
    if shards.NOBODY in foreign:
        raise ChangedError(
            f"{found.path} does not say whose records it holds, like one of an earlier frenkel: go on "
            "with that one, or run all members again under another name"
        )
    if foreign:
        raise ChangedError(
            f"{found.path} holds records of another configuration ({min(foreign).hex()}, "
            f"not {configuration_hash:.6})"
        )


def cut_torn(found: Survey, part: str) -> None:
    """Cut the torn ends of the shards of this part, whose writers are gone since its lock is ours."""
    for fault in found.faults:
        if fault.torn and fault.path.name.startswith(f"{part}."):
            index.cut(fault)


def make(folder: Path) -> None:
    """Make the folder of a run and see that it can be written.

    Raises
    ------
    ShardError
        It cannot; the message names it.
    """
    probe = folder / f".probe.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"0")
        probe.unlink()
    except OSError as error:
        raise shards.ShardError(error.errno, f"{folder} cannot be written: {error.strerror}") from error


def claim(folder: Path, document: Mapping[str, Any], digest: str) -> None:
    """Write what the run is a function of into its folder, or compare it with what is there.

    Raises
    ------
    ChangedError
        Another configuration is there; the message names the keys that differ.
    """
    path = folder / DOCUMENT
    present = recorded(folder)
    if present is None:
        survey([folder], digest)  # what is there without a document must be of this one
        replace(path, json.dumps({"configuration_hash": digest, "document": document}))
    elif present["configuration_hash"] != digest:
        keys = differing(present["document"], document)
        raise ChangedError(
            f"{folder} holds members of another configuration, which differs in {'; '.join(keys)}: "
            "take another output, or --force starts again and discards them"
        )


def recorded(folder: Path) -> dict[str, Any] | None:
    """Return what :func:`claim` has written, None if it has not."""
    try:
        claimed = json.loads((folder / DOCUMENT).read_text())
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise _damaged(folder, str(error)) from None
    if not (isinstance(claimed, dict) and {"configuration_hash", "document"} <= claimed.keys()):
        raise _damaged(folder, "it is no table of a configuration")
    return claimed


def _damaged(folder: Path, what: str) -> shards.ShardError:
    cure = "remove it and run again, since the shards say themselves which configuration they belong to"
    return shards.ShardError(None, f"{folder / DOCUMENT} is damaged: {what}; {cure}")


def refuse_loss(folder: Path, digest: str) -> None:
    """Refuse to discard finished members of the very configuration that is to be run.

    Raises
    ------
    ShardError
        There are some; the message says what can be meant instead.
    """
    try:
        present = recorded(folder)
        if present is None or present["configuration_hash"] != digest:
            return
        existing = survey([folder], digest)
    except (shards.ShardError, ChangedError):
        return  # what cannot be read or is mixed helps nobody
    n_finished = len(np.unique(existing.member[existing.status == shards.OK]))
    if n_finished:
        output = folder.with_suffix("")
        command = shell("frenkel", "merge", str(output), "-o", str(output), "--force")
        raise shards.ShardError(
            None,
            f"{folder} holds {n_finished} finished members of this very configuration, which --force would "
            f"discard: leave it out to go on with them, `{command}` "
            "makes the file again, or remove the folder",
        )


def clear(folder: Path) -> None:
    """Remove the shards, checkpoints and configuration of a run; its locks stay."""
    for pattern in ("*.shard", "*.index", "*.checkpoint", "*.json", "*.stop", stopping.FILE):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


def write_plan(folder: Path, part: str, plan: Mapping[str, Any]) -> tuple[Path, str]:
    """Write what workers must know; return the file and a mark that tells this start from others.

    Parameters
    ----------
    folder : Path
    part : str
        "all", or the part of a divided run; begins the names of its shards.
    plan : mapping
        ``function``, ``settings``, ``header``, ``limit``, ``grace``, ``deadline`` and ``isolated``.
    """
    run_id = secrets.token_hex(8)
    path = folder / f"{part}.plan.json"
    replace(path, json.dumps({"run": run_id, "part": part, **plan}))
    stopping.own_file(folder, part).unlink(missing_ok=True)
    return path, run_id


def replace(path: Path, text: str | bytes) -> None:
    """Write a small file, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(text.encode() if isinstance(text, str) else text)
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise shards.ShardError(error.errno, f"{path} cannot be written: {error.strerror}") from error


def differing(old: Any, new: Any, where: str = "") -> list[str]:
    """Return "key: old -> new" for every value that differs between two JSON documents."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        keys = dict.fromkeys([*old, *new])
        return [
            text
            for key in keys
            for text in differing(old.get(key), new.get(key), f"{where}.{key}" if where else str(key))
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return [text for i, (a, b) in pairs for text in differing(a, b, f"{where}.{i}")]
    return [] if old == new else [f"{where}: {_short(old)} -> {_short(new)}"]


def _short(value: Any) -> str:
    if value is None:
        return "(not given)"
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."

"""Where the members of a shard are, kept beside it, so that a start need not read all that was written.

An index is one frame of a shard in a file of its own. It counts while the size and the time of the shard are
those that it names; of a shard that has grown since, only the new part is read.
"""

import array
import contextlib
import os
import sys
from pathlib import Path

from . import shards
from .shards import Index

ENDING = ".index"
FIRST_LINE = b"frenkel index 1\n"


def of_shard(path: Path) -> Index:
    """Return where the members of a shard are; what its index does not know is read, and then kept there.

    Raises
    ------
    ShardError
        The shard cannot be read.
    """
    before = _load(path)
    if before is not None and _current(before):
        return before
    # A shard is only ever appended to: what was whole stays so, and whoever reads a record checks it.
    grown = before is not None and before.size < _stat(path).st_size
    goes_on = grown and before is not None and not any(fault.torn for fault in before.faults)
    index = shards.scan(path, before if goes_on else None)
    save(index)
    return index


def kept(path: Path) -> Index | None:
    """Return what is kept about a shard as it is now, without reading it; None where nothing is."""
    index = _load(path)
    return index if index is not None and _current(index) else None


def forget(path: Path) -> None:
    """Remove the index of a shard that does not hold what it says, so that the shard is read again."""
    with contextlib.suppress(OSError):
        _place(path).unlink()


def cut(fault: shards.Fault) -> None:
    """Cut a torn record off a shard, as :func:`.shards.cut`, and out of its index.

    Raises
    ------
    ShardError
        The file cannot be changed.
    """
    index = kept(fault.path)
    shards.cut(fault)
    if index is not None:
        stat = _stat(fault.path)
        index.size, index.time = stat.st_size, stat.st_mtime_ns
        index.faults.remove(fault)
        save(index)


def save(index: Index) -> None:
    """Leave an index beside its shard, whole or not at all; a run does without where that cannot be."""
    head = {
        "size": index.size,
        "time": index.time,
        "header": index.header,
        "faults": [[fault.offset, fault.length, fault.torn] for fault in index.faults],
        "owners": [owner.hex() for owner in sorted(index.owners)],
    }
    frame = shards.frame(shards.HEADER_MEMBER, shards.OK, head, [_little(index.rows).tobytes()])
    target = _place(index.path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    with contextlib.suppress(OSError):
        try:
            temporary.write_bytes(FIRST_LINE + frame)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)


def _load(path: Path) -> Index | None:
    """Return what the index of a shard says, None where there is none or it is damaged."""
    try:
        content = _place(path).read_bytes()
    except OSError:
        return None
    frame = content.removeprefix(FIRST_LINE)
    if len(frame) == len(content) or not shards.sound(frame):
        return None
    head, numbers = shards.frame_head(frame)[2], array.array("q", bytes(shards.frame_data(frame)))
    return Index(
        path,
        head["size"],
        head["time"],
        head["header"],
        _little(numbers),
        [shards.Fault(path, *entry) for entry in head["faults"]],
        {bytes.fromhex(owner) for owner in head["owners"]},
    )


def _current(index: Index) -> bool:
    stat = _stat(index.path)
    return (stat.st_size, stat.st_mtime_ns) == (index.size, index.time)


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise shards.ShardError(error.errno, f"{path} cannot be read: {error.strerror}") from error


def _place(path: Path) -> Path:
    return path.with_name(path.name + ENDING)


def _little(numbers: "array.array[int]") -> "array.array[int]":
    """Return numbers in the order of bytes of the file, from that of this machine or into it."""
    if sys.byteorder == "little":
        return numbers
    swapped = array.array("q", numbers)
    swapped.byteswap()
    return swapped

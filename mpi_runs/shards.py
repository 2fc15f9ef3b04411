"""Finished members on disk: an append-only log per writer, every record with a checksum.

A shard begins with one line of text and holds *frames* one after another. A frame is a fixed head (mark,
checksum, length, member, status), a JSON part and raw little-endian arrays. The first frame carries what
the shard belongs to; each further one carries one member. A frame is written by one system call and is
acknowledged after it, so that killing the writer loses nothing that was acknowledged; a torn or damaged
frame is found by its checksum, and reading goes on at the next mark. Each head also holds three bytes of the
hash of the configuration, so that a record is known for what it is where the first frame is damaged.
"""

import array
import json
import math
import os
import re
import struct
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # A rank that only serves needs no numpy, whose import asks the file system 700 times.
    import numpy as np
    from numpy.typing import NDArray

FIRST_LINE = b"frenkel shard 1\n"
MARK = b"\x93FRM"
HEAD = struct.Struct("<4sIQqIB3s")
"""Mark, checksum of all that follows, length of the body, member, length of the JSON part, status, owner."""

NOBODY = b"\0\0\0"
"""Owner of a record whose run has no hash of a configuration."""

HEADER_MEMBER = -1
SYNC_SECONDS, SYNC_BYTES = 30.0, 64 << 20
BLOCK = 1 << 20

OK, FAILED, TIMEOUT, DIED, STOPPED = range(5)
MISSING = 255
STATUS = {
    OK: "ok",
    FAILED: "an error was raised",
    TIMEOUT: "took longer than its limit",
    DIED: "its process died",
    STOPPED: "stopped",
    MISSING: "not run",
}
"""What became of a member. The last two are never written: such members run again."""

WRITTEN = (OK, FAILED, TIMEOUT, DIED)


class ShardError(OSError):
    """A shard cannot be written or read; the message is one sentence for the user."""

    def __str__(self) -> str:
        return str(self.strerror or super().__str__())  # the number of the error tells users nothing


@dataclass(frozen=True, slots=True)
class Fault:
    """A part of a shard that is no whole frame.

    Parameters
    ----------
    path : Path
    offset, length : int
        Where it is (bytes).
    torn : bool
        It reaches to the end of the file: the writer was killed, or is writing now.
    """

    path: Path
    offset: int
    length: int
    torn: bool

    def __str__(self) -> str:
        damage = "torn record at the end" if self.torn else "damaged record"
        return f"{self.path}: {damage}, {self.length} bytes at offset {self.offset}"


@dataclass(slots=True)
class Index:
    """Where the members of one shard are.

    Parameters
    ----------
    path : Path
    size, time : int
        Of the shard when it was read (bytes; ns since the epoch).
    header : dict or None
        What the first frame holds; None if that is damaged.
    rows : array of int
        Member, status, offset (bytes) and length of the whole frame (bytes) of every record.
    faults : list of Fault
    owners : set of bytes
        What the records say of the configuration that they belong to, see :func:`owner`.
    """

    path: Path
    size: int = 0
    time: int = 0
    header: dict[str, Any] | None = None
    rows: "array.array[int]" = field(default_factory=lambda: array.array("q"))
    faults: list[Fault] = field(default_factory=list)
    owners: set[bytes] = field(default_factory=set)

    def measure(self, handle: int) -> None:
        """Take note of how long the open shard is, and of when it was written."""
        stat = os.fstat(handle)
        self.size, self.time = stat.st_size, stat.st_mtime_ns

    def add(self, member: int, status: int, owned: bytes, place: int, length: int) -> None:
        """Take note of the record of a member: where its frame is, and how long (bytes)."""
        self.rows.extend((member, status, place, length))
        self.owners.add(owned)

    @property
    def member(self) -> "NDArray[np.int64]":
        """Numbers of the members."""
        return self._column(0)

    @property
    def status(self) -> "NDArray[np.uint8]":
        """What became of them."""
        import numpy as np  # numpy: ranks that only pass records on do without

        return self._column(1).astype(np.uint8)

    @property
    def offset(self) -> "NDArray[np.int64]":
        """Of the frames (bytes)."""
        return self._column(2)

    @property
    def length(self) -> "NDArray[np.int64]":
        """Of the whole frames (bytes)."""
        return self._column(3)

    def _column(self, number: int) -> "NDArray[np.int64]":
        import numpy as np  # numpy, as above

        # A copy, since an array that is looked at by numpy cannot grow.
        return np.frombuffer(self.rows, np.int64).reshape(-1, 4)[:, number].copy()


def owner(configuration_hash: str) -> bytes:
    """Return what a record says of its configuration: the first three bytes of the hash."""
    try:
        return bytes.fromhex(configuration_hash[:6]).ljust(3, b"\0")
    except ValueError:
        return NOBODY  # not a hash


def encode(
    member: int,
    status: int,
    head: Mapping[str, Any],
    arrays: "Mapping[str, NDArray[Any]] | None" = None,
    owned: bytes = NOBODY,
) -> bytes:
    """Return one frame.

    Parameters
    ----------
    member : int
    status : int
        One of :data:`STATUS`.
    head : mapping
        JSON values: wall time, host, an error and its traceback, texts.
    arrays : mapping of str to ndarray, optional
        Numbers only; text belongs into the head.
    owned : bytes
        By which configuration, see :func:`owner`.

    Raises
    ------
    TypeError
        An array does not hold numbers.
    """
    described, parts = [], []
    if arrays:
        import numpy as np  # numpy, as above
    for name, value in (arrays or {}).items():
        array = np.ascontiguousarray(value)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{name} must hold numbers, got {array.dtype}")
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        described.append([name, array.dtype.str, list(np.shape(value))])
        parts.append(array.tobytes())
    return frame(member, status, {**head, "arrays": described}, parts, owned)


def frame(
    member: int, status: int, head: Mapping[str, Any], data: list[bytes], owned: bytes = NOBODY
) -> bytes:
    """Return one frame of a head and of bytes behind it; :func:`encode` is for members."""
    text = json.dumps(head, separators=(",", ":")).encode()
    body = b"".join([text, *data])
    after = HEAD.pack(MARK, 0, len(body), member, len(text), status, owned)[8:]
    checksum = zlib.crc32(body, zlib.crc32(after))
    return b"".join([MARK, checksum.to_bytes(4, "little"), after, body])


def decode(frame: bytes) -> "tuple[int, int, dict[str, Any], dict[str, NDArray[Any]]]":
    """Return member, status, head and arrays of a whole frame; the arrays are views of it.

    Raises
    ------
    ShardError
        Its checksum is wrong, or it does not hold what it says.
    """
    import numpy as np  # numpy, as above

    if not sound(frame):
        raise ShardError("its checksum is wrong")
    member, status, head = frame_head(frame)
    place = len(frame) - len(frame_data(frame))
    arrays = {}
    if "arrays" not in head:
        raise ShardError("its head names no arrays")
    for name, dtype, shape in head.pop("arrays"):
        count = math.prod(shape)
        if count * int(dtype[2:]) > len(frame) - place:
            raise ShardError(f"{name} is longer than the record")
        arrays[name] = np.frombuffer(frame, dtype, count, place).reshape(shape)
        place += count * int(dtype[2:])
    return member, status, head, arrays


def frame_head(frame: bytes) -> tuple[int, int, dict[str, Any]]:
    """Return member, status and JSON part of a frame, without its arrays and without its checksum.

    Raises
    ------
    ShardError
        Its JSON part is none, or not that of a record.
    """
    _, _, _, member, json_length, status, _ = HEAD.unpack_from(frame)
    try:
        head = json.loads(frame[HEAD.size : HEAD.size + json_length])
    except (ValueError, RecursionError) as error:
        raise ShardError(f"its head is no JSON ({error})") from None
    if not isinstance(head, dict):
        raise ShardError(f"its head is no table but {head!r:.40}")
    for name, (kinds, description) in HEAD_TYPES.items():
        if name in head and not isinstance(head[name], kinds):
            raise ShardError(f"{name} in its head must be {description}, got {head[name]!r:.40}")
    for entry in head.get("arrays", []):
        if not _described(entry):
            raise ShardError(f"arrays in its head must hold [name, type, shape], got {entry!r:.60}")
    for name, words in head.get("texts", {}).items():
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ShardError(f"{name} of texts in its head must be a list of words, got {words!r:.60}")
    return member, status, head


def frame_data(frame: bytes) -> memoryview:
    """Return what stands behind the JSON part of a frame."""
    return memoryview(frame)[HEAD.size + HEAD.unpack_from(frame)[4] :]


def sound(frame: bytes) -> bool:
    """Tell whether a frame is whole: it has its mark, and its checksum is right."""
    return len(frame) >= HEAD.size and _sound(frame[: HEAD.size], memoryview(frame)[HEAD.size :])


HEAD_TYPES: dict[str, tuple[Any, str]] = {
    "arrays": (list, "a list"),
    "wall": ((int, float), "a number"),
    "peak": ((int, float), "a number"),
    "host": (str, "text"),
    "error": (str, "text"),
    "traceback": (str, "text"),
    "texts": (dict, "a table"),
}
"""Types of what heads hold, as far as somebody relies on them."""

NUMBERS = r"<f(2|4|8|16)|<[iu][248]|\|[iu]1|\|b1"


def _described(one: Any) -> bool:
    """Tell whether this describes an array: its name, a type of numbers and a shape."""
    if not (isinstance(one, list) and len(one) == 3):
        return False
    name, dtype, shape = one
    if not (isinstance(name, str) and isinstance(dtype, str) and isinstance(shape, list)):
        return False
    sizes = all(isinstance(size, int) and size >= 0 for size in shape)
    return sizes and re.fullmatch(NUMBERS, dtype) is not None


class Writer:
    """Appends frames to a new shard; nobody else may write to it.

    Parameters
    ----------
    path : Path
        Must not exist.
    header : mapping
        What the shard belongs to, as JSON values.

    Raises
    ------
    ShardError
        The file cannot be made.
    """

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self.path = path
        self.good = 0  # bytes that are whole frames
        self.unsynced, self.synced_at = 0, time.monotonic()
        self.index = Index(path, header=dict(header))
        try:
            self.handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        except OSError as error:
            raise ShardError(error.errno, f"{path} cannot be made: {error.strerror}") from error
        self._write(FIRST_LINE + encode(HEADER_MEMBER, OK, header))

    def append(self, frame: bytes) -> None:
        """Write one frame; it is safe from a kill of this process when this returns.

        Raises
        ------
        ShardError
            It could not be written; the shard ends with its last whole frame.
        """
        _, _, _, member, _, status, owned = HEAD.unpack_from(frame)
        place = self.good
        self._write(frame)
        self.index.add(member, status, owned, place, len(frame))
        if self.unsynced >= SYNC_BYTES or time.monotonic() - self.synced_at >= SYNC_SECONDS:
            self.sync()

    def sync(self) -> None:
        """Flush to the disk, so that a power cut loses nothing that was written before.

        Raises
        ------
        ShardError
            The disk is full or failing.
        """
        try:
            os.fsync(self.handle)
        except OSError as error:
            raise ShardError(error.errno, f"{self.path} cannot be flushed: {error.strerror}") from error
        self.unsynced, self.synced_at = 0, time.monotonic()

    def close(self) -> None:
        """Flush and close; may be called again."""
        if self.handle >= 0:
            try:
                self.sync()
                self.index.measure(self.handle)
            finally:
                os.close(self.handle)
                self.handle = -1

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self.handle, view) :]
        except OSError as error:
            os.ftruncate(self.handle, self.good)  # what stands behind the last whole frame helps nobody
            raise ShardError(error.errno, f"{self.path} cannot be written: {error.strerror}") from error
        self.good += len(data)
        self.unsynced += len(data)


def scan(path: Path, before: Index | None = None) -> Index:
    """Find every whole frame of a shard.

    The memory needed is that of the largest frame and 32 bytes per member.

    Parameters
    ----------
    path : Path
    before : Index, optional
        Of its first part, which is not read again; it is gone on with.

    Raises
    ------
    ShardError
        The file cannot be read.
    """
    index = before or Index(path)
    try:
        with path.open("rb", buffering=BLOCK) as stream:
            place = index.size
            index.measure(stream.fileno())
            if not place and stream.read(len(FIRST_LINE)) == FIRST_LINE:
                place = len(FIRST_LINE)
            while place < index.size:
                place = _take(index, stream, place)
    except OSError as error:
        raise ShardError(error.errno, f"{path} cannot be read: {error.strerror}") from error
    return index


def _take(index: Index, stream: Any, place: int) -> int:
    """Add what is at a place to an index: a record, the header or a fault; return where the next one is."""
    record = _frame_at(stream, place, index.size)
    if record is None:
        after = _next_frame(stream, place + 1, index.size)
        index.faults.append(Fault(index.path, place, after - place, torn=after == index.size))
        return after
    member, status, owned, frame = record
    if member != HEADER_MEMBER:
        index.add(member, status, owned, place, len(frame))
        return place + len(frame)
    try:
        head = frame_head(frame)[2]
        index.header = {name: value for name, value in head.items() if name != "arrays"}
    except ShardError:
        index.faults.append(Fault(index.path, place, len(frame), torn=False))
    return place + len(frame)


def cut(fault: Fault) -> None:
    """Cut a torn record off the end of a shard that nobody writes any more.

    Raises
    ------
    ShardError
        The file cannot be changed.
    """
    if not fault.torn:
        raise ValueError(f"only a torn end can be cut, got {fault}")
    try:
        os.truncate(fault.path, fault.offset)
    except OSError as error:
        raise ShardError(error.errno, f"{fault.path} cannot be cut: {error.strerror}") from error


def _sound(head: bytes, body: bytes | memoryview) -> bool:
    checksum = int.from_bytes(head[4:8], "little")
    return head[:4] == MARK and zlib.crc32(body, zlib.crc32(head[8:])) == checksum


def _frame_at(stream: Any, place: int, end: int) -> tuple[int, int, bytes, bytes] | None:
    """Return member, status, owner and the whole frame at a place; None if there is no whole one."""
    stream.seek(place)
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size or head[:4] != MARK:
        return None
    _, _, length, member, json_length, status, owned = HEAD.unpack(head)
    if length > end - place - HEAD.size or json_length > length or status not in WRITTEN:
        return None
    body = stream.read(length)
    if not _sound(head, body):
        return None
    return member, status, owned, head + body


def _next_frame(stream: Any, place: int, end: int) -> int:
    """Return where the next whole frame begins, ``end`` if there is none."""
    while place < end:
        stream.seek(place)
        block = stream.read(BLOCK)
        at: int = block.find(MARK)
        if at < 0:
            place += max(len(block) - len(MARK) + 1, 1)
            continue
        if _frame_at(stream, place + at, end) is not None:
            return place + at
        place += at + 1
    return end

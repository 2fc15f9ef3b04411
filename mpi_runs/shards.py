"""Finished members on disk: an append-only log per writer, every record with a checksum.

A shard begins with one line of text and holds *frames* one after another. A frame is a fixed head (mark,
checksum, length, member, status), a JSON part and raw little-endian arrays. The first frame carries what
the shard belongs to; each further one carries one member. A frame is written by one system call and is
acknowledged after it, so that killing the writer loses nothing that was acknowledged; a torn or damaged
frame is found by its checksum, and reading goes on at the next mark.
"""

import array
import json
import math
import os
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
HEAD = struct.Struct(
    "<4sIQqIB3x"
)  # mark, checksum of all that follows, length of the body, member, JSON, status
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
        what = "torn record at the end" if self.torn else "damaged record"
        return f"{self.path}: {what}, {self.length} bytes at offset {self.offset}"


@dataclass(slots=True)
class Index:
    """Where the members of one shard are.

    Attributes
    ----------
    path : Path
    header : dict or None
        What the first frame holds; None if that is damaged.
    member : ndarray of int64
    status : ndarray of uint8
    offset : ndarray of int64
        Of the frames (bytes).
    length : ndarray of int64
        Of the whole frames (bytes).
    faults : list of Fault
    """

    path: Path
    header: dict[str, Any] | None
    member: "NDArray[np.int64]"
    status: "NDArray[np.uint8]"
    offset: "NDArray[np.int64]"
    length: "NDArray[np.int64]"
    faults: list[Fault] = field(default_factory=list)


def encode(
    member: int,
    status: int,
    head: Mapping[str, Any],
    arrays: "Mapping[str, NDArray[Any]] | None" = None,
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

    Raises
    ------
    TypeError
        An array does not hold numbers.
    """
    described, parts = [], []
    if arrays:
        import numpy as np
    for name, value in (arrays or {}).items():
        array = np.ascontiguousarray(value)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{name} must hold numbers, got {array.dtype}")
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        described.append([name, array.dtype.str, list(np.shape(value))])
        parts.append(array.tobytes())
    text = json.dumps({**head, "arrays": described}, separators=(",", ":")).encode()
    body = b"".join([text, *parts])
    after = HEAD.pack(MARK, 0, len(body), member, len(text), status)[8:]
    checksum = zlib.crc32(body, zlib.crc32(after))
    return b"".join([MARK, checksum.to_bytes(4, "little"), after, body])


def decode(frame: bytes) -> "tuple[int, int, dict[str, Any], dict[str, NDArray[Any]]]":
    """Return member, status, head and arrays of a whole frame; the arrays are views of it.

    Raises
    ------
    ShardError
        Its checksum is wrong.
    """
    import numpy as np

    if len(frame) < HEAD.size or not _sound(frame[: HEAD.size], memoryview(frame)[HEAD.size :]):
        raise ShardError("a record changed between two readings of it")
    _, _, _, member, json_length, status = HEAD.unpack_from(frame)
    place = HEAD.size + json_length
    head = json.loads(frame[HEAD.size : place])
    arrays = {}
    for name, dtype, shape in head.pop("arrays"):
        count = math.prod(shape)
        arrays[name] = np.frombuffer(frame, dtype, count, place).reshape(shape)
        place += count * np.dtype(dtype).itemsize
    return member, status, head, arrays


def frame_head(frame: bytes) -> tuple[int, int, dict[str, Any]]:
    """Return member, status and JSON part of a frame, without its arrays and without checking it."""
    _, _, _, member, json_length, status = HEAD.unpack_from(frame)
    return member, status, json.loads(frame[HEAD.size : HEAD.size + json_length])


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
        self._write(frame)
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


def scan(path: Path) -> Index:
    """Find every whole frame of a shard.

    The memory needed is that of the largest frame and 25 bytes per member.

    Raises
    ------
    ShardError
        The file cannot be read.
    """
    import numpy as np

    rows = array.array("q")
    faults: list[Fault] = []
    header: dict[str, Any] | None = None
    try:
        with path.open("rb", buffering=BLOCK) as stream:
            end = os.fstat(stream.fileno()).st_size
            first = stream.read(len(FIRST_LINE))
            place = len(FIRST_LINE) if first == FIRST_LINE else 0
            while place < end:
                found = _frame_at(stream, place, end)
                if found is None:
                    after = _next_frame(stream, place + 1, end)
                    faults.append(Fault(path, place, after - place, torn=after == end))
                    place = after
                    continue
                member, status, length, body, json_length = found
                if member == HEADER_MEMBER:
                    header = json.loads(body[:json_length])
                else:
                    rows.extend((member, status, place, length))
                place += length
    except OSError as error:
        raise ShardError(error.errno, f"{path} cannot be read: {error.strerror}") from error
    columns = np.array(rows, np.int64).reshape(-1, 4)  # a copy, since the columns outlive the rows
    return Index(
        path, header, columns[:, 0], columns[:, 1].astype(np.uint8), columns[:, 2], columns[:, 3], faults
    )


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


def _frame_at(stream: Any, place: int, end: int) -> tuple[int, int, int, bytes, int] | None:
    """Return member, status, length, body and length of the JSON part, None if no whole frame is there."""
    stream.seek(place)
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size or head[:4] != MARK:
        return None
    _, _, length, member, json_length, status = HEAD.unpack(head)
    if length > end - place - HEAD.size or json_length > length:
        return None
    body = stream.read(length)
    if not _sound(head, body):
        return None
    return member, status, HEAD.size + length, body, json_length


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

"""From shards to one netCDF file, member by member, in memory that does not grow with their number."""

import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data import member_file
from ..data.member_file import Array, MemberContents, Target
from ..errors import explain
from . import index, shards

OPEN_FILES = 64

Whole = NDArray[np.int64]


@dataclass(slots=True)
class Located:
    """Where records of members are; all arrays have one entry per record.

    Attributes
    ----------
    paths : list of Path
    member : ndarray of int64
    status : ndarray of uint8
        ``shards.MISSING`` where there is no record.
    shard : ndarray of int32
        Index into ``paths``.
    offset, length : ndarray of int64
    """

    paths: list[Path]
    member: Whole
    status: NDArray[np.uint8]
    shard: NDArray[np.int32]
    offset: Whole
    length: Whole

    def head(self, number: int) -> tuple[int, dict[str, Any]]:
        """Return the status and the JSON part of a record.

        Raises
        ------
        OSError
            It cannot be read.
        """
        with self.paths[self.shard[number]].open("rb") as file:
            frame = os.pread(file.fileno(), int(self.length[number]), int(self.offset[number]))
        _, code, head = shards.frame_head(frame)
        return code, head

    def digest(self, configuration_hash: str) -> str:
        """Return a hash of which members of which configuration these are, and of what became of them."""
        digest = hashlib.sha256(configuration_hash.encode())
        digest.update(np.ascontiguousarray(self.member, "<i8").tobytes())
        digest.update(np.ascontiguousarray(self.status, "u1").tobytes())
        return digest.hexdigest()


def merge(located: Located, target: Target, path: Path, progress: Callable[[int], None] | None = None) -> str:
    """Write one netCDF file, whole or not at all; return its content hash.

    A link is written through: what it points at is replaced.

    Raises
    ------
    ShardError
        A record cannot be read, or the file cannot be written.
    """
    final = path.resolve() if path.is_symlink() else path
    temporary = final.with_name(f".{final.name}.{os.getpid()}.part")
    reader = _Reader(located)
    try:
        digest = member_file.write(
            temporary, target, _contents(reader, target), located.member, reader.arrays,
            progress or (lambda done: None),
        )  # fmt: skip
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.replace(final)
    except ValueError as error:
        message = f"{path} cannot be written, since records do not fit: {error}"
        raise shards.ShardError(None, message) from None
    except (OSError, RuntimeError) as error:
        if isinstance(error, shards.ShardError):
            raise
        raise shards.ShardError(
            getattr(error, "errno", None), f"{path} cannot be written: {explain(error, final.parent)}"
        ) from error
    finally:
        reader.close()
        temporary.unlink(missing_ok=True)
    return digest


def _contents(reader: "_Reader", target: Target) -> MemberContents:
    """Return what is in the records, as it must be known before the file is written."""
    contents = MemberContents(target, len(reader.located.member))
    for number in range(len(reader.located.member)):
        head = reader.head(number)
        contents.add_run(number, head)
        if reader.located.status[number] == shards.OK:
            if contents.is_first(number):
                contents.add_first(number, reader.arrays(number), head.get("texts", {}))
            try:
                contents.add_sizes(number, head.get("arrays", []))
            except ValueError as error:
                raise reader.fault(number, str(error)) from None
    return contents


class _Reader:
    """Reads records by number, with few files open."""

    def __init__(self, located: Located) -> None:
        self.located = located
        self.open: OrderedDict[int, int] = OrderedDict()

    def frame(self, number: int, size: int | None = None) -> bytes | None:
        """Return the record of a member, or its first ``size`` bytes; None if it has none."""
        located = self.located
        if located.status[number] == shards.MISSING:
            return None
        length = int(located.length[number])
        try:
            handle, offset = self._handle(int(located.shard[number])), int(located.offset[number])
            frame = os.pread(handle, min(size or length, length), offset)
        except OSError as error:
            raise shards.ShardError(
                error.errno, f"{located.paths[located.shard[number]]} cannot be read: {error.strerror}"
            ) from error
        if len(frame) < min(size or length, length):
            raise self.fault(number, "the file ends before it")
        return frame

    def head(self, number: int) -> dict[str, Any]:
        """Return the JSON part of a record, {} if there is none."""
        frame = self.frame(number, shards.HEAD.size)
        if frame is None:
            return {}
        json_length = shards.HEAD.unpack(frame)[4]
        record = self.frame(number, shards.HEAD.size + json_length)
        assert record is not None
        try:
            return shards.frame_head(record)[2]
        except shards.ShardError as error:
            raise self.fault(number, str(error)) from None

    def arrays(self, number: int) -> dict[str, Array]:
        """Return the arrays of a finished member, {} for others."""
        if self.located.status[number] != shards.OK:
            return {}
        frame = self.frame(number)
        assert frame is not None
        try:
            return shards.decode(frame)[3]
        except shards.ShardError as error:
            raise self.fault(number, str(error)) from None

    def fault(self, number: int, what: str) -> shards.ShardError:
        """Return what is wrong with a record, and let the next survey read its shard again."""
        path = self.located.paths[self.located.shard[number]]
        index.forget(path)
        return shards.ShardError(
            None,
            f"the record of member {self.located.member[number]} at offset {self.located.offset[number]} of "
            f"{path} is damaged: {what}; the same command looks for it again",
        )

    def _handle(self, shard: int) -> int:
        if shard in self.open:
            self.open.move_to_end(shard)
        else:
            if len(self.open) >= OPEN_FILES:
                os.close(self.open.popitem(last=False)[1])
            self.open[shard] = os.open(self.located.paths[shard], os.O_RDONLY)
        return self.open[shard]

    def close(self) -> None:
        while self.open:
            os.close(self.open.popitem()[1])

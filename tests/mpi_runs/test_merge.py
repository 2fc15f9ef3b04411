"""Merging: what is wrong with a record or the disk is said in a sentence, and links are written through."""

import json
import os
import shutil
import subprocess
import sys
import zlib

import numpy as np
import pytest

from frenkel.data import content, member_file
from frenkel.mpi_runs import index, merge, runs, shards

COLUMNS = {
    "x": member_file.MemberColumn(dims=("item",), kind="ragged"),
    "w": member_file.MemberColumn(dims=("cycle",)),
}
CONSTANT = member_file.MemberColumn(dims=(), kind="constant")
HEAD = {"wall": 0.1, "host": "h"}


def frame(member, head=None, arrays=None, data=b""):
    """Return the record of a member; with a head of its own, whatever that is."""
    if head is None:
        arrays = {"x": np.arange(float(member)), "w": np.ones(2)} if arrays is None else arrays
        return shards.encode(member, shards.OK, HEAD, arrays)
    text = json.dumps(head).encode() if not isinstance(head, bytes) else head
    body = text + data
    after = shards.HEAD.pack(shards.MARK, 0, len(body), member, len(text), shards.OK, shards.NOBODY)[8:]
    return shards.MARK + zlib.crc32(after + body).to_bytes(4, "little") + after + body


def merged(folder, *frames, name="m.nc", columns=COLUMNS, coordinates=None):
    writer = shards.Writer(folder / f"{len(list(folder.iterdir()))}.shard", {})
    for one in frames:
        writer.append(one)
    writer.close()
    located = runs.survey([folder]).best(range(len(frames)))
    target = member_file.Target([("member", len(frames))], columns, coordinates or {}, {})
    return merge.merge(located, target, folder.parent / name)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


ARRAYS = [["w", "<f8", [2]]]


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"{]", "its head is no JSON"),
        ([1, 2], r"its head is no table but \[1, 2\]"),
        ({"wall": 1.0}, "its head names no arrays"),
        ({"arrays": 3}, "arrays in its head must be a list, got 3"),
        ({"arrays": [["w", "<f8"]]}, r"must hold \[name, type, shape\], got \['w', '<f8'\]"),
        ({"arrays": [["w", "object", [2]]]}, "must hold .name, type, shape., got .'w', 'object'"),
        ({"arrays": [["w", "<f8", [-2]]]}, "must hold .name, type, shape."),
        ({"arrays": [["w", "<f8", 2]]}, "must hold .name, type, shape."),
        ({"host": ["h"], "arrays": ARRAYS}, r"host in its head must be text, got \['h'\]"),
        ({"wall": "long", "arrays": ARRAYS}, "wall in its head must be a number, got 'long'"),
        ({"texts": 3, "arrays": ARRAYS}, "texts in its head must be a table, got 3"),
        ({"texts": {"a": ["b", 1]}, "arrays": ARRAYS}, "a of texts in its head must be a list of words"),
        ({"arrays": ARRAYS}, "w is longer than the record"),
        ({"arrays": [["w", "<f8", [2, 2]]]}, "w must have 1 dimensions, got 2"),
        ({"arrays": [["w", "<i8", [2]]]}, "w must be of type <f8, got <i8"),
    ],
)
def test_wrong_contents_with_right_checksums_are_named(folder, head, words):
    record = r"the record of member 1 at offset \d+ of .*\.shard is damaged"
    with pytest.raises(shards.ShardError, match=f"{record}: .*{words}"):
        merged(folder, frame(0), frame(1, head))
    assert not (folder.parent / "m.nc").exists() and len(list(folder.iterdir())) == 1


@pytest.mark.parametrize(
    ("columns", "coordinates", "words"),
    [
        (COLUMNS, {"cycle": (("cycle",), [1], {})}, "cycle has 1 entries along cycle, other arrays 2"),
        (COLUMNS | {"g": CONSTANT}, {}, "g is not in the first member of every point"),
    ],
)
def test_records_that_do_not_fit_are_named(folder, columns, coordinates, words):
    arrays = {"w": np.ones(2)}
    with pytest.raises(shards.ShardError, match=f"since records do not fit: {words}"):
        merged(folder, frame(0, arrays=arrays), frame(1, arrays=arrays | {"g": np.ones(())}), columns=columns,
               coordinates=coordinates)  # fmt: skip
    assert not (folder.parent / "m.nc").exists()


def test_a_status_that_is_never_written_is_damage(folder):
    path = folder / "a.shard"
    writer = shards.Writer(path, {})
    writer.append(shards.encode(0, shards.OK, {}))
    for status in (shards.STOPPED, 77):
        writer.append(shards.encode(1, status, {}))
    writer.close()
    found = shards.scan(path)
    assert found.member.tolist() == [0] and len(found.faults) == 1


def test_a_header_that_is_no_table_is_damage(folder):
    path = folder / "a.shard"
    path.write_bytes(shards.FIRST_LINE + frame(shards.HEADER_MEMBER, [1]) + frame(0))
    found = shards.scan(path)
    assert found.header is None and found.member.tolist() == [0]
    assert [fault.offset for fault in found.faults] == [len(shards.FIRST_LINE)]


@pytest.mark.parametrize("place", [2, 20, 60, -5])
def test_rot_that_the_index_does_not_know_costs_one_run_of_that_member(folder, place):
    """Size and time are unchanged, so that only the merge meets it; then the shard is read again."""
    frames = [frame(number) for number in range(3)]
    merged(folder, *frames)
    (path,) = folder.glob("*.shard")
    before = path.stat()
    at = int(index.kept(path).offset[1])
    with path.open("r+b") as stream:
        stream.seek(at + place % len(frames[1]))
        (old,) = stream.read(1)
        stream.seek(-1, os.SEEK_CUR)
        stream.write(bytes([old ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    located = runs.survey([folder]).best(range(3))
    assert located.status.tolist() == [shards.OK] * 3
    with pytest.raises(shards.ShardError, match=f"the record of member 1 at offset {at} of"):
        merge.merge(located, member_file.Target([("member", 3)], COLUMNS, {}, {}), folder.parent / "m.nc")
    found = runs.survey([folder])
    assert found.to_run(range(3)).tolist() == [1] and [fault.offset for fault in found.faults] == [at]


def test_a_link_is_written_through(folder):
    (folder.parent / "scratch").mkdir()
    real, link = folder.parent / "scratch" / "real.nc", folder.parent / "m.nc"
    link.symlink_to(real)
    for _ in range(2):  # first to a file that is not there yet
        found = merged(folder, frame(0), frame(1))
        assert link.is_symlink() and not real.is_symlink() and content.of_file(real) == found
    assert [one.name for one in real.parent.iterdir()] == ["real.nc"]


def test_a_full_disk_is_called_so(folder, monkeypatch):
    """The library says "HDF error" only."""

    def fail(*arguments):
        raise RuntimeError("NetCDF: HDF error")

    monkeypatch.setattr(member_file, "write", fail)
    with pytest.raises(shards.ShardError, match=r"m\.nc cannot be written: NetCDF: HDF error"):
        merged(folder, frame(0))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1 << 30, 1 << 30, 1000))
    with pytest.raises(shards.ShardError, match=rf"m\.nc cannot.*: the disk of {folder.parent} is full"):
        merged(folder, frame(0))


def test_a_merge_that_fails_midway_leaves_the_old_file(folder):
    """A limit of the size of files stops it as a full disk does."""
    old = merged(folder, frame(0), frame(1))
    code = (
        "import resource, signal, sys; sys.path[:0] = sys.argv[1:2]\n"
        "import test_merge as t; from pathlib import Path; from frenkel.mpi_runs import shards\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "located = t.runs.survey([Path(sys.argv[2])]).best(range(2))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))\n"
        "target = t.member_file.Target([('member', 2)], t.COLUMNS, {}, {})\n"
        "try: t.merge.merge(located, target, Path(sys.argv[3]))\n"
        "except shards.ShardError as error: print(error)"
    )
    here, target = os.path.dirname(__file__), folder.parent / "m.nc"
    words = [sys.executable, "-c", code, here, str(folder), str(target)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.stdout.count("\n") == 1 and f"{target} cannot be written" in done.stdout, done.stderr
    assert content.of_file(target) == old
    assert sorted(one.name for one in folder.parent.iterdir()) == ["m.nc", "run"]


def test_the_digest_knows_members_status_and_configuration(folder):
    merged(folder, frame(0), frame(1))
    found = runs.survey([folder])
    one = found.best(range(2)).digest("a")
    assert one == found.best(range(2)).digest("a")
    other = found.best(range(2))
    other.status[1] = shards.FAILED
    assert len({one, other.digest("a"), found.best(range(2)).digest("b"), found.best([0]).digest("a")}) == 4
    assert found.best([1, 0]).digest("a") != one


def test_a_shard_that_was_cut_since_is_named(folder):
    merged(folder, frame(0), frame(1))
    located = runs.survey([folder]).best(range(2))
    (path,) = folder.glob("*.shard")
    for size in (path.stat().st_size - 3, int(located.offset[1]) + 9):
        os.truncate(path, size)
        with pytest.raises(shards.ShardError, match=r"the record of member 1 .*: the file ends before it"):
            merge.merge(located, member_file.Target([("member", 2)], COLUMNS, {}, {}), folder.parent / "m.nc")


def test_an_array_that_is_cut_short_is_named(folder):
    short = frame(1, {"arrays": ARRAYS}, data=b"123456789")  # of 16 bytes
    with pytest.raises(shards.ShardError, match="the record of member 1 .*: w is longer than the record"):
        merged(folder, frame(0), short)


def test_the_record_after_a_long_damaged_one_is_found(folder):
    path = folder / "a.shard"
    writer = shards.Writer(path, {})
    for member in range(2):
        writer.append(shards.encode(member, shards.OK, {}, {"x": np.zeros(3 * shards.BLOCK, np.int8)}))
    writer.close()
    with path.open("r+b") as stream:
        stream.seek(int(shards.scan(path).offset[0]))
        stream.write(b"\0")
    found = shards.scan(path)
    assert found.member.tolist() == [1] and [fault.torn for fault in found.faults] == [False]


def test_a_reader_has_few_files_open_and_closes_all(folder, monkeypatch):
    """Eight shards read to and fro with three files at most; none stays open, also after a merge."""
    monkeypatch.setattr(merge, "OPEN_FILES", 3)
    opened, closed = [], []
    open_file, close_file = os.open, os.close
    for number in range(8):
        writer = shards.Writer(folder / f"{number}.shard", {})
        writer.append(frame(number))
        writer.close()
    located = runs.survey([folder]).best(range(8))
    reader = merge._Reader(located)
    monkeypatch.setattr(merge.os, "open", lambda *a: opened.append(open_file(*a)) or opened[-1])
    monkeypatch.setattr(merge.os, "close", lambda handle: closed.append(handle) or close_file(handle))
    for number in [*range(8), 7, 0, 1]:
        assert shards.decode(reader.frame(number))[0] == number
        assert len(reader.open) <= 3
    reader.close()
    assert len(opened) == 10 and sorted(opened) == sorted(closed) and not reader.open

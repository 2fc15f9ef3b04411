"""The index of a shard: it says what reading the shard would, and shards are read only where it does not."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from synthetic_members import job

from frenkel.mpi_runs import farm, index, runs, session, shards

HASH = hashlib.sha256(b"one").hexdigest()
OTHER = hashlib.sha256(b"two").hexdigest()


def write(path, members, *, digest=HASH, owned=None, status=shards.OK, kept=True):
    """Write a shard as a worker does, with its index unless it was killed."""
    writer = shards.Writer(path, {"configuration_hash": digest})
    owned = shards.owner(digest) if owned is None else owned
    for member in members:
        arrays = {"x": np.random.default_rng(member).random(50)}
        writer.append(shards.encode(member, status, {"wall": 0.1}, arrays, owned))
    writer.close()
    if kept:
        index.save(writer.index)
    return path


@pytest.fixture
def read(monkeypatch):
    """Return the list of shards that were read, as it grows: (name, bytes)."""
    names = []
    scan = shards.scan

    def noted(path, before=None):
        begin = before.size if before else 0
        found = scan(path, before)
        names.append((path.name, found.size - begin))
        return found

    monkeypatch.setattr(shards, "scan", noted)
    return names


def same(one, other):
    """Compare two indices in all that they say."""
    rows = [list(found.rows) for found in (one, other)]
    assert rows[0] == rows[1] and (one.size, one.time, one.header) == (other.size, other.time, other.header)
    assert (one.faults, one.owners) == (other.faults, other.owners)


def test_what_a_writer_leaves_is_what_reading_finds(tmp_path):
    path = write(tmp_path / "all.shard", [5, 2, 9])
    same(index.kept(path), shards.scan(path))
    assert index.kept(path).owners == {shards.owner(HASH)}
    assert index.kept(path).member.tolist() == [5, 2, 9]


def test_a_shard_without_an_index_is_read_once(tmp_path, read):
    path = write(tmp_path / "all.shard", [5, 2, 9], kept=False)
    with path.open("r+b") as stream:
        stream.seek(300)
        stream.write(b"\0\0\0\0")
    assert index.kept(path) is None
    same(index.of_shard(path), index.of_shard(path))
    assert len(read) == 1 and [fault.torn for fault in index.kept(path).faults] == [False]


@pytest.mark.parametrize("change", ["size", "time", "flip", "cut", "text"])
def test_an_index_that_does_not_fit_is_not_believed(tmp_path, change, read):
    path = write(tmp_path / "all.shard", [5, 2, 9])
    beside = path.with_name(path.name + index.ENDING)
    content = bytearray(beside.read_bytes())
    if change == "size":
        os.truncate(path, path.stat().st_size - 1)
    elif change == "time":
        os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))
    elif change == "flip":
        content[60] ^= 1
        beside.write_bytes(content)
    else:
        beside.write_bytes(content[:-9] if change == "cut" else b"hello")
    assert index.kept(path) is None
    found = index.of_shard(path)
    assert found.member.tolist() == ([5, 2] if change == "size" else [5, 2, 9]) and len(read) == 1


def test_every_flip_in_an_index_is_found(tmp_path):
    path = write(tmp_path / "all.shard", [5])
    beside = path.with_name(path.name + index.ENDING)
    content = beside.read_bytes()
    for place in range(len(content)):
        beside.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        assert index.kept(path) is None, place


def test_of_a_shard_that_grows_the_new_part_is_read(tmp_path, read):
    path = tmp_path / "all.shard"
    writer = shards.Writer(path, {})
    sizes = []
    for member in range(3):
        writer.append(shards.encode(member, shards.OK, {}, {"x": np.arange(9.0)}, b"abc"))
        assert index.of_shard(path).member.tolist() == list(range(member + 1))
        sizes.append(path.stat().st_size)
    assert [size for _, size in read] == [sizes[0], *np.diff(sizes)]
    writer.close()
    same(index.of_shard(path), shards.scan(path))


def test_a_torn_record_that_is_cut_is_gone_from_the_index(tmp_path, read):
    path = write(tmp_path / "all.shard", [0, 1], kept=False)
    os.truncate(path, path.stat().st_size - 3)
    found = runs.survey([tmp_path], HASH)
    assert [fault.torn for fault in found.faults] == [True]
    runs.cut_torn(found, "all")
    again = runs.survey([tmp_path], HASH)
    assert again.member.tolist() == [0] and not again.faults and len(read) == 1


def test_a_folder_that_cannot_be_written_is_read_all_the_same(tmp_path, monkeypatch, read):
    path = write(tmp_path / "all.shard", [0, 1], kept=False)

    def refuse(*arguments):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    assert [index.of_shard(path).member.tolist() for _ in range(2)] == [[0, 1]] * 2 and len(read) == 2


def test_a_part_does_not_read_what_other_parts_write(tmp_path, read):
    write(tmp_path / "1-of-3.a.shard", [0], kept=False)
    write(tmp_path / "2-of-3.b.shard", [1], kept=False)
    write(tmp_path / "3-of-3.c.shard", [2])
    write(tmp_path / "1-of-13.d.shard", [3], kept=False)
    write(tmp_path / "all.e.shard", [4], kept=False)
    assert sorted(runs.survey([tmp_path], HASH, "1-of-3").member.tolist()) == [0, 2, 3, 4]
    assert sorted(name for name, _ in read) == ["1-of-13.d.shard", "1-of-3.a.shard", "all.e.shard"]
    assert runs.survey([tmp_path], HASH).member.tolist() == [3, 0, 1, 2, 4]


def test_a_start_reads_no_log_twice(tmp_path, read):
    """First what was killed, once; then only indices."""
    mine = job(tmp_path / "run", 6, {"job": {"isolated": False}})
    with farm.serial() as workers:
        session.execute(mine, workers)
    for path in mine.folder.glob("*.index"):
        path.unlink()
    read.clear()
    with farm.serial() as workers:
        assert session.execute(mine, workers).ran == 0
    assert len(read) == 1
    with farm.serial() as workers:
        assert session.execute(mine, workers).ran == 0
    assert len(read) == 1


def test_workers_leave_indices(tmp_path):
    mine = job(tmp_path / "run", 3, {"job": {"isolated": False}})
    with farm.serial() as workers:
        session.execute(mine, workers)
    (path,) = mine.folder.glob("*.shard")
    same(index.kept(path), shards.scan(path))


def test_a_foreign_record_is_refused_even_without_its_header(tmp_path):
    write(tmp_path / "a.shard", [0, 1])
    path = write(tmp_path / "b.shard", [2, 3], digest=OTHER)
    words = rf"b\.shard belongs to another.*{OTHER[:12]}, not {HASH[:12]}"
    with pytest.raises(runs.ChangedError, match=words):
        runs.survey([tmp_path], HASH)
    with path.open("r+b") as stream:  # a bit of the first frame
        stream.seek(40)
        stream.write(b"\xff")
    words = rf"b\.shard holds records of another.*{OTHER[:6]}, not {HASH[:6]}"
    with pytest.raises(runs.ChangedError, match=words):
        runs.survey([tmp_path], HASH)
    path.unlink()
    index.forget(path)
    assert runs.survey([tmp_path], HASH).member.tolist() == [0, 1]


def test_records_that_do_not_say_whose_they_are_are_refused(tmp_path):
    path = write(tmp_path / "a.shard", [0, 1], owned=shards.NOBODY, kept=False)
    with pytest.raises(runs.ChangedError, match=r"a\.shard does not say whose records it holds, like one of"):
        runs.survey([tmp_path], HASH)
    assert shards.owner("not a hash") == shards.NOBODY
    assert path.read_bytes()[: len(shards.FIRST_LINE)] == shards.FIRST_LINE


@pytest.mark.parametrize("isolated", [True, False])
def test_what_a_run_writes_says_whose_it_is(tmp_path, isolated, monkeypatch):
    import farm_tools

    monkeypatch.setenv("PYTHONPATH", farm_tools.environment()["PYTHONPATH"])
    wanted = job(tmp_path / "run", 3, {"faults": {"1": "raise", **({"2": "kill"} if isolated else {})}})
    mine = session.Job(
        **{name: getattr(wanted, name) for name in session.Job.__slots__}
        | {"digest": HASH, "isolated": isolated}
    )
    with farm.serial() as workers:
        session.execute(mine, workers)
    (path,) = mine.folder.glob("*.shard")
    found = shards.scan(path)
    assert found.owners == {shards.owner(HASH)} and sorted(set(found.status.tolist())) == (
        [shards.OK, shards.FAILED, shards.DIED] if isolated else [shards.OK, shards.FAILED]
    )


def test_a_record_that_was_being_written_is_found_when_it_is_whole(tmp_path):
    path = write(tmp_path / "all.shard", [0, 1], kept=False)
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    assert index.of_shard(path).member.tolist() == [0]
    path.write_bytes(whole)
    found = index.of_shard(path)
    assert found.member.tolist() == [0, 1] and not found.faults


def test_places_are_those_of_the_shards_that_were_looked_at(tmp_path):
    write(tmp_path / "1-of-2.a.shard", [0], kept=False)
    mine = write(tmp_path / "2-of-2.b.shard", [1])
    found = runs.survey([tmp_path], HASH, "2-of-2")
    assert [found.paths[one] for one in found.shard] == [mine]

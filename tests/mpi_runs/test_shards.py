"""The log of finished members: all that was written comes back, damage costs what is damaged."""

import io
import os
import subprocess
import sys
import zlib

import numpy as np
import pytest

from frenkel.data import content, member_file
from frenkel.mpi_runs import merge, runs, shards

ARRAYS = {"a": np.asarray(1.5), "b": np.arange(6, dtype=np.int16).reshape(2, 3), "c": np.zeros((0, 2))}


def frame(member, status=shards.OK, size=200):
    random = np.random.default_rng(member)
    return shards.encode(member, status, {"wall": 0.1}, {"x": random.random(size)})


def write(path, members, **options):
    writer = shards.Writer(path, {"configuration_hash": "h"})
    for member in members:
        writer.append(frame(member, **options))
    writer.close()
    return path


def test_a_frame_comes_back_exactly():
    member, status, head, arrays = shards.decode(shards.encode(7, shards.FAILED, {"error": "x"}, ARRAYS))
    assert (member, status, head) == (7, shards.FAILED, {"error": "x"})
    assert list(arrays) == list(ARRAYS)
    for name, value in ARRAYS.items():
        assert arrays[name].dtype == value.dtype and arrays[name].shape == value.shape
        np.testing.assert_array_equal(arrays[name], value)


def test_text_is_refused():
    with pytest.raises(TypeError, match="a must hold numbers"):
        shards.encode(0, shards.OK, {}, {"a": np.array(["x"])})


def test_every_flipped_byte_is_found():
    whole = frame(3, size=4)
    for place in range(len(whole)):
        bad = bytearray(whole)
        bad[place] ^= 1
        with pytest.raises(shards.ShardError):
            shards.decode(bytes(bad))


def test_a_shard_is_scanned(tmp_path):
    path = write(tmp_path / "all.shard", [5, 2, 9])
    found = shards.scan(path)
    assert found.header["configuration_hash"] == "h"
    assert found.member.tolist() == [5, 2, 9] and not found.faults
    assert found.offset[0] + found.length[0] == found.offset[1]


def test_an_existing_shard_is_never_opened_again(tmp_path):
    path = write(tmp_path / "all.shard", [1])
    with pytest.raises(shards.ShardError, match="cannot be made"):
        shards.Writer(path, {})


@pytest.mark.parametrize("lost", [1, 30, 400, 1700])
def test_a_torn_end_costs_the_last_member_and_can_be_cut(tmp_path, lost):
    path = write(tmp_path / "all.shard", [0, 1, 2])
    os.truncate(path, path.stat().st_size - lost)
    found = shards.scan(path)
    kept = 2 if lost < 1600 else 1
    assert found.member.tolist() == list(range(kept))
    assert [fault.torn for fault in found.faults] == [True]
    shards.cut(found.faults[0])
    again = shards.scan(path)
    assert again.member.tolist() == list(range(kept)) and not again.faults


@pytest.mark.parametrize("place", ["mark", "head", "length", "body"])
def test_damage_in_the_middle_costs_one_member(tmp_path, place):
    path = write(tmp_path / "all.shard", range(20))
    before = shards.scan(path)
    offset = int(before.offset[7]) + {"mark": 0, "head": 17, "length": 10, "body": 500}[place]
    with path.open("r+b") as stream:
        stream.seek(offset)
        stream.write(b"\xff\x00\xff\x01")
    found = shards.scan(path)
    assert found.member.tolist() == [one for one in range(20) if one != 7]
    assert [(fault.offset, fault.length, fault.torn) for fault in found.faults] == [
        (int(before.offset[7]), int(before.length[7]), False)
    ]
    assert str(path) in str(found.faults[0]) and str(int(before.offset[7])) in str(found.faults[0])


def test_marks_inside_of_data_do_not_mislead(tmp_path):
    marks = np.frombuffer(shards.MARK * 600, np.uint8)
    path = tmp_path / "all.shard"
    writer = shards.Writer(path, {})
    for member in range(5):
        writer.append(shards.encode(member, shards.OK, {}, {"x": marks}))
    writer.close()
    at = int(shards.scan(path).offset[2])
    with path.open("r+b") as stream:
        stream.seek(at)
        stream.write(b"\0")
    assert shards.scan(path).member.tolist() == [0, 1, 3, 4]


def test_a_damaged_first_line_or_header_costs_no_member(tmp_path):
    path = write(tmp_path / "all.shard", range(3))
    with path.open("r+b") as stream:
        stream.write(b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")
    assert shards.scan(path).member.tolist() == [0, 1, 2]


def test_a_full_disk_leaves_whole_frames(tmp_path, monkeypatch):
    path = tmp_path / "all.shard"
    writer = shards.Writer(path, {})
    writer.append(frame(0))
    real = os.write

    def full(handle, data):
        if handle == writer.handle and len(data) > 100:
            return real(handle, bytes(data[:100]))  # a short write first, as disks do
        if handle == writer.handle:
            raise OSError(28, "No space left on device")
        return real(handle, data)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(shards.ShardError, match="No space left"):
        writer.append(frame(1))
    monkeypatch.undo()
    writer.append(frame(2))
    writer.close()
    found = shards.scan(path)
    assert found.member.tolist() == [0, 2] and not found.faults


@pytest.mark.parametrize("kills", [3, pytest.param(100, marks=pytest.mark.verification)])
def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path, kills):
    program = (
        "import sys, numpy as np; from pathlib import Path; from frenkel.mpi_runs import shards\n"
        "w = shards.Writer(Path(sys.argv[1]), {})\n"
        "i = 0\n"
        "while True:\n"
        "    w.append(shards.encode(i, 0, {}, {'x': np.arange(2000.0)})); print(i, flush=True); i += 1\n"
    )
    for attempt in range(kills):
        path = tmp_path / f"{attempt}.shard"
        with subprocess.Popen(
            [sys.executable, "-c", program, path], stdout=subprocess.PIPE, text=True
        ) as writer:
            acknowledged = [int(writer.stdout.readline()) for _ in range(20 * attempt % 1000 + 5)]
            writer.kill()
            acknowledged += [int(line) for line in writer.stdout if line.endswith("\n")]
        assert set(acknowledged) <= set(shards.scan(path).member.tolist())


def test_the_best_record_of_a_member_is_the_good_one(tmp_path):
    write(tmp_path / "a.shard", [1, 2])
    write(tmp_path / "b.shard", [1, 3, 3], status=shards.FAILED)
    found = runs.survey([tmp_path], "h")
    located = found.best([0, 1, 2, 3])
    assert located.status.tolist() == [shards.MISSING, shards.OK, shards.OK, shards.FAILED]
    assert found.to_run(range(5)).tolist() == [0, 3, 4]
    write(tmp_path / "c.shard", [3], status=shards.DIED)
    assert runs.survey([tmp_path]).to_run(range(5)).tolist() == [0, 4]
    assert runs.survey([tmp_path]).to_run(range(5), retry=True).tolist() == [0, 3, 4]
    with pytest.raises(runs.ChangedError, match="another configuration"):
        runs.survey([tmp_path], "other")


def test_differing_keys_are_named():
    old = {"a": 1, "device": {"width": "5 nm", "depth": 2}, "list": [1, {"x": 2}]}
    new = {"a": 1, "device": {"width": "6 nm"}, "list": [1, {"x": 3}]}
    assert runs.differing(old, new) == [
        'device.width: "5 nm" -> "6 nm"',
        "device.depth: 2 -> (not given)",
        "list.1.x: 2 -> 3",
    ]


def member_columns():
    return {
        "x": member_file.MemberColumn(dims=("item",), kind="ragged"),
        "n": member_file.MemberColumn(),
        "w": member_file.MemberColumn(dims=("cycle",)),
        "k": member_file.MemberColumn(kind="constant"),
    }


def merge_some(tmp_path, grid, order, failed=()):
    writer = shards.Writer(tmp_path / "all.shard", {})
    for member in order:
        random = np.random.default_rng(member)
        arrays = {
            "x": random.random(member % 7),
            "n": np.asarray(member),
            "w": random.random(2),
            "k": np.asarray(4),
        }
        status = shards.FAILED if member in failed else shards.OK
        writer.append(shards.encode(member, status, {}, {} if status else arrays))
    writer.close()
    number = int(np.prod([size for _, size in grid]))
    target = member_file.Target(grid, member_columns(), {}, {"title": "t"})
    return merge.merge(runs.survey([tmp_path]).best(range(number)), target, tmp_path / "m.nc")


def test_the_merged_file_is_in_member_order_whatever_the_order_of_writing(tmp_path):
    import netCDF4

    random = np.random.default_rng(1)
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    first = merge_some(tmp_path / "a", [("member", 700)], range(700), failed=[5])
    assert first == merge_some(tmp_path / "b", [("member", 700)], random.permutation(700), failed=[5])
    assert first == content.of_file(tmp_path / "a" / "m.nc")
    with netCDF4.Dataset(tmp_path / "a" / "m.nc") as file:
        file.set_auto_mask(False)
        assert file["n"][...].tolist() == [-1 if one == 5 else one for one in range(700)]
        count = file["item_count"][...]
        assert count.tolist() == [0 if one == 5 else one % 7 for one in range(700)]
        assert np.isnan(file["w"][5]).all() and int(file["k"][...]) == 4
        begin = int(count[:20].sum())
        np.testing.assert_array_equal(file["x"][begin : begin + 6], np.random.default_rng(20).random(6))


def test_a_grid_of_points_is_filled_row_by_row(tmp_path):
    import netCDF4

    merge_some(tmp_path, [("temperature", 3), ("member", 5)], range(15))
    with netCDF4.Dataset(tmp_path / "m.nc") as file:
        assert file["n"].dimensions == ("temperature", "member")
        np.testing.assert_array_equal(file["n"][...], np.arange(15).reshape(3, 5))


def test_the_hash_sees_values_names_and_shapes_but_not_attributes(tmp_path):
    import netCDF4

    def made(name="a", value=1.0, attribute="x", dtype="f8", size=3):
        path = tmp_path / "h.nc"
        with netCDF4.Dataset(path, "w") as file:
            file.title = attribute
            file.createDimension("n", size)
            file.createVariable(name, dtype, ("n",))[...] = value
            file.createVariable("text", str, ("n",))[...] = np.array(["q"] * size, object)
        return content.of_file(path)

    assert made() == made(attribute="y")
    assert len({made(), made(name="b"), made(value=2.0), made(dtype="f4"), made(size=4)}) == 5


def test_checksums_are_those_of_the_zip_format():
    """A reader in another language needs nothing of ours."""
    whole = frame(1)
    assert int.from_bytes(whole[4:8], "little") == zlib.crc32(whole[8:])


def test_a_merged_file_is_as_wide_as_its_widest_member(tmp_path):
    """Wherever that member stands; shorter ones end with the fill value."""
    import netCDF4

    for order in ([3, 1, 2], [1, 2, 3], [2, 3, 1]):
        folder = tmp_path / "".join(map(str, order))
        folder.mkdir()
        writer = shards.Writer(folder / "all.shard", {})
        for member, width in enumerate(order):
            writer.append(shards.encode(member, shards.OK, {}, {"w": np.arange(1.0, width + 1)}))
        writer.close()
        target = member_file.Target([("member", 3)], {"w": member_file.MemberColumn(dims=("cycle",))}, {}, {})
        merge.merge(runs.survey([folder]).best(range(3)), target, folder / "m.nc")
        with netCDF4.Dataset(folder / "m.nc") as file:
            file.set_auto_mask(False)
            expected = [[step if step <= width else np.nan for step in (1.0, 2.0, 3.0)] for width in order]
            np.testing.assert_array_equal(file["w"][...], expected)


def test_the_former_file_stands_until_the_new_one_is_whole(tmp_path, monkeypatch):
    path, seen = tmp_path / "m.nc", []
    path.write_text("former")
    real = merge.Path.replace

    def replace(temporary, target):
        seen.append((target.read_text(), content.of_file(temporary)))
        return real(temporary, target)

    monkeypatch.setattr(merge.Path, "replace", replace)
    found = merge_some(tmp_path, [("member", 3)], range(3))
    assert seen == [("former", found)] and content.of_file(path) == found
    monkeypatch.setattr(merge.Path, "replace", lambda temporary, target: 1 / 0)
    (tmp_path / "all.shard").unlink()
    path.write_text("former")
    with pytest.raises(ZeroDivisionError):
        merge_some(tmp_path, [("member", 3)], range(3))
    assert path.read_text() == "former" and len(list(tmp_path.iterdir())) == 2


def test_the_next_whole_frame_is_found_from_every_place(monkeypatch):
    """Where it begins itself, after rubbish, after a mark that is none, and with a mark across two blocks."""
    monkeypatch.setattr(shards, "BLOCK", 64)
    one, other = frame(1, size=4), frame(2, size=4)
    rubbish = b"x" * 60 + shards.MARK + b"y" * 61
    data = rubbish + one + shards.MARK + other
    stream, first, second = io.BytesIO(data), len(rubbish), len(rubbish + one + shards.MARK)
    for place in range(len(data) + 1):
        expected = first if place <= first else second if place <= second else len(data)
        assert shards._next_frame(stream, place, len(data)) == expected

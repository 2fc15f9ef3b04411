"""Files: whole or absent, checked when read, every failure one sentence."""

import signal
import subprocess
import sys

import netCDF4
import numpy as np
import pytest
import xarray as xr

from frenkel.data import content as hashes
from frenkel.data import store
from frenkel.data.schema import SchemaError
from frenkel.data.store import StoreError
from frenkel.errors import explain


def test_what_is_saved_is_read_back(result, tmp_path):
    store.save(result, tmp_path / "x.nc")
    assert store.load(tmp_path / "x.nc").identical(result)


def test_xarray_alone_opens_a_result(result, tmp_path):
    store.save(result, tmp_path / "x.nc")
    with xr.open_dataset(tmp_path / "x.nc") as opened:
        assert opened["time"].dtype == np.float64  # not decoded into timedelta
        assert opened["current"].attrs["units"] == "A"


def test_numbers_are_compressed(result, tmp_path):
    path = store.save(result, tmp_path / "x.nc")
    with xr.open_dataset(path) as opened:
        assert opened["current"].encoding["zlib"]
        assert "_FillValue" not in opened["current"].encoding  # NaN has no meaning in a current


def test_an_existing_file_is_kept_unless_forced(result, tmp_path):
    path = tmp_path / "x.nc"
    path.write_text("mine")
    with pytest.raises(StoreError, match="exists already"):
        store.save(result, path)
    assert path.read_text() == "mine"
    store.save(result, path, force=True)
    assert store.load(path).identical(result)


def test_nothing_is_left_beside_the_file(result, tmp_path):
    store.save(result, tmp_path / "x.nc")
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.nc"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none/x.nc", "no folder"),
        ("file/x.nc", "no folder"),
        ("folder", "is a folder"),
        ("/proc/x.nc", "cannot be"),
    ],
)
def test_unwritable_names_are_refused(result, tmp_path, name, message):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=message):
        store.save(result, tmp_path / name)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9, 0.999])
def test_truncated_files_are_refused(result, tmp_path, share):
    path = store.save(result, tmp_path / "x.nc")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(StoreError, match=r"truncated or damaged|not a netCDF") as caught:
        store.load(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "is empty"), (b"hello", "not a netCDF file"), (None, "there is no file")]
)
def test_other_files_are_refused(tmp_path, content, message):
    path = tmp_path / "x.nc"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StoreError, match=message):
        store.load(path)


def test_a_file_of_another_version_is_refused_by_name(result, tmp_path):
    path = tmp_path / "x.nc"
    result.attrs["frenkel_schema"] = 99
    result.to_netcdf(path)
    with pytest.raises(SchemaError, match=r"x.nc has schema version 99"):
        store.load(path)


FULL = """
import resource, signal, sys
sys.path.insert(0, {tests!r})
import made_up_results
import netCDF4
from frenkel.data import schema, store
result = schema.dataset(made_up_results.synthetic(), made_up_results.ATTRS)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
try:
    store.save(result, {path!r}, force=True)
except store.StoreError as error:
    print(error)
"""


@pytest.mark.parametrize("limit", [0, 4096, 60_000])
def test_a_write_that_fails_midway_leaves_the_old_file(tmp_path, request, limit):
    # A file size limit stops the write as a full disk does, at a place that can be chosen.
    path = tmp_path / "x.nc"
    path.write_text("old")
    code = FULL.format(tests=str(request.config.rootpath / "tests" / "oracles"), path=str(path), limit=limit)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "cannot be written" in done.stdout, done.stderr
    assert len(done.stdout.splitlines()) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.nc"]
    assert path.read_text() == "old"


def test_a_full_disk_is_named(monkeypatch, tmp_path):
    def full(_):
        raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match=r"the disk of .* is full"):
        store._beside(tmp_path / "x.nc", full)


TREE = {
    "big": 2**120 + 1,
    "float": 0.1,
    "nan": float("nan"),
    "none": None,
    "text": "µ",
    "flag": True,
    "list": [1, {"inner": np.arange(3, dtype=np.int8)}],
    "array": np.array([[1.5, np.inf]]),
}


def test_checkpoints_keep_every_bit(tmp_path):
    read = store.load_checkpoint(store.save_checkpoint(TREE, tmp_path / "c"))
    np.testing.assert_array_equal(read["list"][1]["inner"], TREE["list"][1]["inner"])
    assert read["list"][1]["inner"].dtype == np.int8
    np.testing.assert_array_equal(read["array"], TREE["array"])
    assert read["big"] == TREE["big"] and read["float"] == 0.1 and np.isnan(read["nan"])
    assert read["none"] is None and read["flag"] is True and read["text"] == "µ"


def test_damaged_checkpoints_are_refused(tmp_path):
    path = store.save_checkpoint(TREE, tmp_path / "c")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(StoreError, match="checkpoint .* cannot be read"):
        store.load_checkpoint(path)


def test_checkpoints_of_another_version_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "CHECKPOINT_VERSION", 77)
    path = store.save_checkpoint(TREE, tmp_path / "c")
    monkeypatch.undo()
    with pytest.raises(StoreError, match="version 77"):
        store.load_checkpoint(path)


def test_checkpoints_hold_no_objects(tmp_path):
    with pytest.raises(TypeError, match="cannot hold a set"):
        store.save_checkpoint({"x": {1, 2}}, tmp_path / "c")


def test_what_a_killed_process_left_is_removed(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    alive = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    left = tmp_path / f".x.checkpoint.{gone.pid}.part"
    other = tmp_path / f".y.checkpoint.{gone.pid}.part"
    writing = tmp_path / f".x.checkpoint.{alive.pid}.part"
    of_others = tmp_path / ".x.checkpoint.draft.part"
    for path in (left, other, writing, of_others):
        path.touch()
    store.save_checkpoint({"a": 1}, tmp_path / "x.checkpoint")
    assert not left.exists() and other.exists() and writing.exists() and of_others.exists()
    alive.communicate()
    assert alive.returncode == 1  # it met the end of its input, and no signal


def test_every_flip_in_a_checkpoint_is_harmless_or_refused(tmp_path):
    """A bit of each byte is changed: what comes back is equal, or it is no checkpoint."""
    tree = {"array": np.arange(3, dtype=np.int8), "text": "x"}
    path = store.save_checkpoint(tree, tmp_path / "c")
    whole, kept = path.read_bytes(), 0
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            found = store.load_checkpoint(path)
        except StoreError:
            continue
        kept += 1
        assert repr(found) == repr(tree), place
    assert kept < len(whole) / 2


def test_files_carry_a_hash_that_is_compared(result, tmp_path):
    path = store.save(result, tmp_path / "x.nc")
    with netCDF4.Dataset(path, "a") as file:
        assert file.getncattr(hashes.ATTRIBUTE) == hashes.of_file(path)
        file["current"][0] += 1e-9
    with pytest.raises(StoreError, match=r"x\.nc was damaged or changed"):
        store.load(path)


def test_the_hash_is_that_of_the_file_and_not_of_what_was_read(result, tmp_path):
    store.save(result, tmp_path / "x.nc")
    read = store.load(tmp_path / "x.nc")
    assert hashes.ATTRIBUTE not in read.attrs
    changed = read.assign_attrs({hashes.ATTRIBUTE: "of another"})
    store.load(store.save(changed, tmp_path / "y.nc"))
    assert hashes.of_file(tmp_path / "x.nc") == hashes.of_file(tmp_path / "y.nc")


def test_links_are_written_through(result, tmp_path):
    (tmp_path / "scratch").mkdir()
    real, link = tmp_path / "scratch" / "real.nc", tmp_path / "x.nc"
    link.symlink_to(real)
    for _ in range(2):
        store.save(result, link, force=True)
        assert link.is_symlink() and store.load(real).equals(store.load(link))
    link.unlink()
    link.symlink_to(tmp_path / "none" / "real.nc")
    with pytest.raises(StoreError, match=f"there is no folder {tmp_path / 'none'}"):
        store.save(result, link)


def test_a_write_is_explained(tmp_path):
    assert explain(OSError(5, "Input/output error"), tmp_path) == "Input/output error"
    assert explain(OSError(28, "x"), tmp_path) == f"the disk of {tmp_path} is full"
    assert "larger than the limit" in explain(OSError(27, "x"), tmp_path)


def test_a_large_array_that_says_it_is_shorter_is_refused(tmp_path):
    """numpy reads as far as the shape goes, and would not come to the checksum at the end."""
    path = store.save_checkpoint({"array": np.arange(90_000)}, tmp_path / "c")
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"(90000,)", b"(80000,)"))
    assert path.read_bytes() != whole
    with pytest.raises(StoreError, match="checkpoint .* cannot be read"):
        store.load_checkpoint(path)


def test_an_interruption_acts_when_a_checkpoint_is_packed(monkeypatch, interruptible):
    """Within the zip file it would come out as an error of its own."""
    plain, packed = np.savez, []

    def interrupted(*arguments, **arrays):
        signal.raise_signal(signal.SIGINT)
        plain(*arguments, **arrays)
        packed.append(len(arrays))

    monkeypatch.setattr(store.np, "savez", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.pack({"a": np.arange(3)})
    assert packed == [2]

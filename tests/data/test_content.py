"""Files are read under a limit, and what they hold is compared with what they say."""

import os
import signal
import sys
import threading
import time

import netCDF4
import numpy as np
import pytest

from frenkel.data import content


@pytest.fixture
def path(tmp_path):
    """Return a file that carries its hash."""
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("n", 3)
        file.createVariable("x", "f8", ("n",))[...] = [1.0, 2.0, 3.0]
        file.createVariable("kind", str, ("n",))[...] = np.array(["vacancy", "ion", "trap"], object)
    carry(tmp_path / "a.nc", content.of_file(tmp_path / "a.nc"))
    return tmp_path / "a.nc"


def carry(path, digest):
    with netCDF4.Dataset(path, "a") as file:
        file.setncattr(content.ATTRIBUTE, digest)


def test_a_file_that_holds_what_it_says_is_read_once(path, monkeypatch):
    found = content.of_file(path)
    assert content.check(path) == found and content.read(path) == content.StoredHash(path, found, found)
    monkeypatch.setattr(content, "_hashes", None)
    assert content.check(path) == found


@pytest.mark.parametrize(("name", "value"), [("x", 2.5), ("kind", "vaaancy")])
def test_a_changed_value_or_text_is_told(path, name, value):
    content.check(path)
    before = content.of_file(path)
    with netCDF4.Dataset(path, "a") as file:
        file[name][0] = value
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))  # the clock of a file may be coarse
    words = rf"a\.nc was damaged or changed.*is {content.of_file(path)[:12]}, but it says {before[:12]}"
    with pytest.raises(content.ContentError, match=words) as told:
        content.check(path)
    assert "remove its attribute content_hash" in str(told.value)
    assert content.read(path).found == content.of_file(path) != before


def test_a_file_that_says_nothing_is_taken_as_it_is(path):
    with netCDF4.Dataset(path, "a") as file:
        file.delncattr(content.ATTRIBUTE)
        file["x"][0] = 7.0
    assert content.check(path) == content.of_file(path)


def test_a_merged_file_names_the_command_that_makes_it_anew(path):
    folder = path.with_name("a.nc.run")
    folder.mkdir()
    carry(path, "0" * 64)
    with pytest.raises(content.ContentError, match=f"frenkel merge {path} -o {path} --force"):
        content.check(path)
    os.truncate(path, path.stat().st_size // 2)
    words = f"truncated or damaged .*frenkel merge {path} -o {path} --force` makes it again from {folder}"
    with pytest.raises(content.ContentError, match=words):
        content.check(path)


def test_other_files_are_named(tmp_path):
    (tmp_path / "a.toml").write_text("x = 1")
    with pytest.raises(content.ContentError, match=r"a\.toml is not a netCDF file"):
        content.check(tmp_path / "a.toml")
    with pytest.raises(FileNotFoundError):
        content.check(tmp_path / "none.nc")


def hang(path, alive):
    alive()
    time.sleep(60)


def die(path, alive):
    os.kill(os.getpid(), signal.SIGKILL)


def trickle(path, alive):
    for _ in range(8):
        alive()
        time.sleep(0.1)
    return "f", "f"


@pytest.fixture
def children(monkeypatch):
    """Children that are forked; they are, whatever threads and libraries other tests have left here."""
    made, fork = [], os.fork

    def counted():
        child = fork()
        if child:
            made.append(child)
        return child

    monkeypatch.setattr(os, "fork", counted)
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.delitem(sys.modules, "mpi4py.MPI", raising=False)
    return made


@pytest.mark.parametrize(
    ("library", "words"),
    [
        (hang, "is damaged: the HDF5 library does not come back from reading it within 0.5 s"),
        (die, "is damaged: the HDF5 library dies of reading it .signal 9"),
    ],
)
def test_a_library_that_hangs_or_dies_is_a_damaged_file(path, monkeypatch, children, library, words):
    monkeypatch.setattr(content, "PATIENCE", 0.5)
    monkeypatch.setattr(content, "_hashes", library)
    begin = time.monotonic()
    with pytest.raises(content.ContentError, match=rf"a\.nc {words}"):
        content.check(path)
    assert time.monotonic() - begin < 10
    assert len(children) == 1
    with pytest.raises(ChildProcessError):  # nobody is left behind
        os.waitpid(children[0], os.WNOHANG)


def test_a_large_file_may_take_longer_than_the_limit(path, monkeypatch, children):
    monkeypatch.setattr(content, "PATIENCE", 0.5)
    monkeypatch.setattr(content, "_hashes", trickle)
    assert content.check(path) == "f"


def test_nothing_is_forked_beside_other_threads(path, monkeypatch):
    monkeypatch.setattr(os, "fork", None)
    release = threading.Event()
    other = threading.Thread(target=release.wait)
    other.start()
    try:
        assert content.check(path) == content.of_file(path)
    finally:
        release.set()
        other.join()


def test_every_block_is_hashed(tmp_path, monkeypatch):
    """The hash is that of the whole, whatever the size of the blocks and chunks that are read."""
    values = np.arange(1000.0).reshape(100, 10)
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("n", 100), file.createDimension("m", 10)
        file.createVariable("x", "f8", ("n", "m"), chunksizes=(7, 10))[...] = values
    whole = content.of_file(tmp_path / "a.nc")
    one = content.ContentHash()
    one.declare("x", "<f8", ("n", "m"), (100, 10))
    one.add("x", values)
    assert whole == one.hexdigest()
    for size in (1, 80 * 9, 80 * 20):
        monkeypatch.setattr(content, "BLOCK", size)
        assert content.of_file(tmp_path / "a.nc") == whole


def test_reading_gives_a_sign_of_life_for_every_block(path, monkeypatch):
    monkeypatch.setattr(content, "BLOCK", 8)
    signs = []
    content._hashes(path, lambda: signs.append(None))
    assert len(signs) == 3 + 3 + 2  # three blocks of each variable, and its begin

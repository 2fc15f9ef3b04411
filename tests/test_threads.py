"""BLAS at one thread, whichever library is loaded when, and whichever thread asks; and BLAS without SciPy."""

import hashlib
import hmac
import json
import subprocess
import sys
import threading

import pytest
import threadpoolctl

from frenkel import threads
from frenkel.configuration import reader
from frenkel.experiment.ensemble import Ensemble
from frenkel.threads import one_blas_thread


def counts():
    return {one["num_threads"] for one in threadpoolctl.threadpool_info() if one["user_api"] == "blas"}


def heed_any_thread():
    """Let other threads set numbers again."""
    for one in threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers:
        getattr(one, "clear_controlling_thread", lambda **_: None)(force=True)


@pytest.fixture
def two():
    """Two threads of BLAS where the machine has them."""
    with threadpoolctl.threadpool_limits(2, "blas"):
        if counts() == {1}:
            pytest.skip("BLAS has one thread here")
        heed_any_thread()
        yield


def test_any_thread_may_ask(two):
    """threadpoolctl from 3.8 on heeds the first thread that sets a number, and silently no other."""
    with one_blas_thread():
        assert counts() == {1}
    found = []

    def ask():
        with one_blas_thread():
            found.append(counts())

    other = threading.Thread(target=ask)
    other.start()
    other.join()
    assert found == [{1}] and counts() == {2}


def test_one_thread_as_long_as_anyone_asks(two):
    inside, leave = threading.Event(), threading.Event()

    def ask():
        with one_blas_thread():
            inside.set()
            leave.wait(10)

    with one_blas_thread():
        other = threading.Thread(target=ask)
        other.start()
        assert inside.wait(10)
    assert counts() == {1}
    leave.set()
    other.join()
    assert counts() == {2}


def test_a_blas_that_is_loaded_later_is_held_at_one_thread_too():
    """Without it a run followed the number of threads where something else had asked for one before."""
    code = (
        "from frenkel.threads import one_blas_thread\n"
        "with one_blas_thread():\n    pass\n"
        "import scipy.linalg, threadpoolctl\n"
        "threadpoolctl.threadpool_limits(2)\n"
        "with one_blas_thread():\n"
        "    found = threadpoolctl.threadpool_info()\n"
        "    print([one['num_threads'] for one in found if one['user_api'] == 'blas'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.strip()) <= set("[1, ]") and "1" in done.stdout


def test_a_member_takes_blas_without_the_rest_of_scipy():
    """A device made, solved and packed as a member does it; `scipy.linalg` is whole when asked for later.

    Nor OpenSSL, which NumPy's random numbers ask for; hashes are the same, and it can be loaded later.
    """
    code = """
import sys
from frenkel.threads import load_blas_alone, load_hashes_alone
load_hashes_alone()
load_blas_alone()
from frenkel.experiment import members
from frenkel.data import store
from frenkel.kinetic.materials.material import Material
device = members.Device(Material.load("TiOx"), 2e-9, 2e-9, seed=1)
device.solved().at(0.22)
store.pack(device.state())
heavy = ("xarray", "pint", "_hashlib", "scipy.linalg", "scipy.special", "scipy.spatial", "scipy.fft")
print(sorted(name for name in heavy if name in sys.modules))
import scipy.linalg
from scipy.linalg import cython_blas, cython_lapack
print(scipy.linalg.cho_factor([[4.0]])[0])
import hashlib, hmac, _hashlib
print(hashlib.sha256(b"abc").hexdigest()[:8] + hmac.digest(b"key", b"abc", "sha256").hex()[:8])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    known = "ba7816bf" + hmac.new(b"key", b"abc", hashlib.sha256).hexdigest()[:8]
    assert done.stdout.split() == ["[]", "[[2.]]", known]


def test_a_member_loads_nothing_that_it_does_not_use(tmp_path):
    """A whole member as its process runs it: what is named takes up to 40 MB in each of thousands of them."""
    text = """
        material = "HfO2-volatile"
        seed = 1
        read_voltage = "0.1 V"
        [device]
        thickness = "2.6 nm"
        width = "2.6 nm"
        temperature = "300 K"
        [[phase]]
        kind = "set"
        amplitude = "1 V"
        rate = "1 MV/s"
        compliance = "20 uA"
        samples = 5
    """
    (tmp_path / "one.toml").write_text(text)
    document = Ensemble(points=(reader.read(tmp_path / "one.toml"),), members=1).document()
    (tmp_path / "plan.json").write_text(json.dumps(document))
    code = """
import json, sys
from pathlib import Path
from frenkel.threads import load_blas_alone, load_hashes_alone
load_hashes_alone()
load_blas_alone()
from frenkel.experiment import members
from frenkel.mpi_runs.child import Context
folder = Path(sys.argv[1])
arrays, _ = members.prepare(json.loads((folder / "plan.json").read_text()))(0, Context(folder))
print(len(arrays) > 5)
heavy = ("xarray", "pandas", "netCDF4", "matplotlib", "rich", "pint", "mpi4py", "scipy.linalg", "scipy.stats",
         "scipy.special", "scipy.sparse", "scipy.fft", "numpy.ma", "numpy.polynomial", "html", "difflib",
         "frenkel.experiment.state_survey")
print(sorted(name for name in heavy if name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, timeout=100)
    assert done.stdout.split() == ["True", "[]"], done.stderr


def test_what_blas_had_comes_back_with_the_last_who_leaves(monkeypatch):
    """Two libraries of 3 and 5 threads, and whoever enters while they are held changes nothing."""
    libraries = [Library(3), Library(5)]
    monkeypatch.setattr(threads, "_blas", lambda: libraries)
    held = threads._Held()
    for _ in range(2):
        held.enter()
        held.enter()
        assert [one.count for one in libraries] == [1, 1]
        held.leave()
        assert [one.count for one in libraries] == [1, 1]
        held.leave()
        assert [one.count for one in libraries] == [3, 5]


class Library:
    def __init__(self, count):
        self.count = count

    def get_num_threads(self):
        return self.count

    def set_num_threads(self, count):
        self.count = count

"""BLAS at one thread, and without the rest of SciPy; hash functions without OpenSSL."""

import importlib
import importlib.util
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.machinery import ModuleSpec
from typing import Any


def load_blas_alone() -> None:
    """Load what compiled kernels call of SciPy's BLAS and LAPACK, but not all of ``scipy.linalg`` around it.

    That takes 22 MB and a third of a second, in each of thousands of processes of members. ``scipy.linalg``
    can still be imported afterwards; its attributes ``cython_blas`` and ``cython_lapack`` are missing then.
    """
    package = "scipy.linalg"
    scipy = None if package in sys.modules else importlib.util.find_spec("scipy")
    if scipy is None or not scipy.submodule_search_locations:
        return
    # An empty package in its place, as long as these two are loaded from its folder.
    spec = ModuleSpec(package, None, is_package=True)
    places = scipy.submodule_search_locations
    spec.submodule_search_locations = [os.path.join(place, "linalg") for place in places]
    sys.modules[package] = importlib.util.module_from_spec(spec)
    try:
        importlib.import_module("scipy.linalg.cython_blas")
        importlib.import_module("scipy.linalg.cython_lapack")
        # Now, since threadpoolctl looks up the path of every library that is loaded.
        _blas()
    except ImportError:
        pass  # a SciPy that is arranged otherwise is imported whole by whoever needs it
    finally:
        del sys.modules[package]


def load_hashes_alone() -> None:
    """Load the hash functions that Python has itself, but not OpenSSL behind them.

    NumPy's random numbers ask for it, and no member needs it: 5 MB in each of thousands of processes. Where
    Python is built without its own functions all is left as it is.
    """
    built_in = ("_md5", "_sha1", "_sha3", "_blake2")
    sha2 = "_sha2" if sys.version_info >= (3, 12) else "_sha512"
    if "_hashlib" in sys.modules or any(importlib.util.find_spec(name) is None for name in (*built_in, sha2)):
        return
    # What is None here cannot be imported, and both modules go on without it.
    sys.modules["_hashlib"] = None  # type: ignore[assignment]
    try:
        importlib.import_module("hashlib")
        importlib.import_module("hmac")
    finally:
        del sys.modules["_hashlib"]


@cache
def _blas() -> tuple[Any, ...]:
    import threadpoolctl  # 20 ms, and only what calls a kernel needs it

    # The kernels call SciPy's BLAS, which is another one than NumPy's and may not be loaded yet.
    importlib.import_module("scipy.linalg.cython_blas")
    return tuple(threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers)


def _set(counts: Sequence[int]) -> None:
    for library, count in zip(_blas(), counts, strict=True):
        library.set_num_threads(count)
        # From its version 3.8 on threadpoolctl heeds no other thread until the one that has set says so.
        getattr(library, "clear_controlling_thread", lambda: None)()


class _Held:
    """How many threads of Python hold BLAS at one thread, and what it had before."""

    def __init__(self) -> None:
        self.lock, self.inside, self.before = threading.Lock(), 0, list[int]()

    def enter(self) -> None:
        with self.lock:
            if self.inside == 0:
                self.before = [library.get_num_threads() for library in _blas()]
                _set([1] * len(self.before))
            self.inside += 1

    def leave(self) -> None:
        with self.lock:
            self.inside -= 1
            if self.inside == 0:
                _set(self.before)

    def forked(self) -> None:
        """Begin with one thread in a child, which has none of the others; BLAS stays as it is there."""
        self.lock, self.inside = threading.Lock(), 0


_held = _Held()
os.register_at_fork(after_in_child=_held.forked)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold BLAS at one thread: on small matrices and shared cores more threads cost up to 20 times more.

    Results follow the number of threads in their last digits, so this is also what makes a run the same in
    every process and thread. ``threadpoolctl.threadpool_limits`` searches the process for libraries on each
    entry, about 0.1 ms or more; here they are found once and then only set and set back.
    """
    _held.enter()
    try:
        yield
    finally:
        _held.leave()

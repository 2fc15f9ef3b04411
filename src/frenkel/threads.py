"""BLAS at one thread."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import threadpoolctl


@cache
def _blas() -> tuple[Any, ...]:
    # The kernels call SciPy's BLAS, which is another one than NumPy's and may not be loaded yet.
    importlib.import_module("scipy.linalg.cython_blas")
    return tuple(threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold BLAS at one thread: on small matrices and shared cores more threads cost up to 20 times more.

    ``threadpoolctl.threadpool_limits`` searches the process for libraries on each entry, about 0.1 ms or
    more; here they are found once and then only set and set back, a few microseconds.
    """
    before = [library.get_num_threads() for library in _blas()]
    for library in _blas():
        library.set_num_threads(1)
    try:
        yield
    finally:
        for library, count in zip(_blas(), before, strict=True):
            library.set_num_threads(count)

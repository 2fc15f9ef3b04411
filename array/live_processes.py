"""Live devices advanced by other processes: their states go there and come back, bit by bit the same.

Executors of Python's library will do: processes of this machine, or what the engines of
:mod:`frenkel.mpi_runs.farm` give, with the ranks of an MPI job or dask's workers behind them.
"""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..kinetic.device import Device
from ..kinetic.materials.material import Material
from ..mpi_runs.farm import cores
from ..typing import Floats
from .live_cells import Drive

Make = Callable[[int], Device]
"""Makes device number k, always the same: a `Recipe`, or a function of a module, so that it travels."""

Prepare = Callable[[Device], None]
"""Brings a device to where the work of the array starts; leaves its circuit as it was. It travels too."""

_made: dict[tuple[bytes, int], tuple[Device, bytes]] = {}
"""Devices of this process, and the state that each gave back last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """Makes device k of an array: all of one material and size, each with its own member number.

    Parameters
    ----------
    material : str
        Of a preset, or a path.
    thickness, width : float
        (m).
    seed : int
        0 or more.
    temperature : float
        (K).
    """

    material: str
    thickness: float
    width: float
    seed: int
    temperature: float = 300.0

    def __call__(self, number: int) -> Device:
        """Return a device, always the same."""
        return Device(
            Material.load(self.material), self.thickness, self.width, temperature=self.temperature,
            seed=self.seed, member=number,
        )  # fmt: skip


@contextmanager
def processes(workers: int | None = None) -> Iterator[list[Executor]]:
    """Give processes of this machine, by default as many as it has cores, each an executor of its own."""
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        yield [stack.enter_context(ProcessPoolExecutor(1, context)) for _ in range(workers or cores())]


class LiveWorkers:
    """Devices of an array, and what advances them for `LiveCells`.

    Parameters
    ----------
    make : callable
        ``make(k)`` returns device k = i n + j.
    shape : tuple of int
        Numbers m and n of word and bit lines.
    executors : sequence of Executor
        Where devices are advanced; device k by number k modulo their number, so that a process that stands
        behind one keeps what it has solved.

    Attributes
    ----------
    devices : list of list of Device, (m, n)
        Of this process, for `LiveCells`.

    Notes
    -----
    ``LiveCells(workers.devices, advance=workers)``. A state is what `Device.state` gives, a few kilobytes. If
    a device fails, none of them is changed.
    """

    def __init__(self, make: Make, shape: tuple[int, int], executors: Sequence[Executor]) -> None:
        self._make, self._executors = make, executors
        self.devices = [[make(i * shape[1] + j) for j in range(shape[1])] for i in range(shape[0])]
        self._number = {id(device): k for k, device in enumerate(d for row in self.devices for d in row)}

    def prepare(self, by: Prepare) -> None:
        """Prepare all devices where they are advanced, such as form them."""
        states = self._states(partial(_prepared, by), [(number,) for number in self._number.values()])
        for number, device in enumerate(d for row in self.devices for d in row):
            device.restore(states[number])

    def __call__(self, devices: Sequence[Device], drives: Sequence[Drive]) -> Floats:
        """Advance each device by its drive; return the charges (C)."""
        tasks = [
            (self._number[id(device)], device.state(), drive)
            for device, drive in zip(devices, drives, strict=True)
        ]
        states, charges = self._states(_advanced, tasks), np.empty(len(devices))
        for k, device in enumerate(devices):
            # What was solved for an arrangement of atoms holds whenever the device is in it again.
            state, charges[k] = states[self._number[id(device)]]
            device.restore(state, keep_solved=True)
        return charges

    def _states(self, work: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]) -> dict[int, Any]:
        """Return what work gives for tasks, each done where the device of its first number is advanced."""
        shares: list[list[tuple[Any, ...]]] = [[] for _ in self._executors]
        for task in tasks:
            shares[task[0] % len(shares)].append(task)
        futures = [
            executor.submit(work, self._make, share)
            for executor, share in zip(self._executors, shares, strict=True)
            if share
        ]
        return {number: state for future in futures for number, state in future.result()}


Task = tuple[int, dict[str, Any], Drive]
"""Number of a device, its state, and what it is to be advanced by."""


def _prepared(by: Prepare, make: Make, tasks: Sequence[tuple[int]]) -> list[tuple[int, dict[str, Any]]]:
    """Return the states of devices as made and prepared."""
    maker, states = pickle.dumps(make), []
    for (number,) in tasks:
        device = make(number)
        by(device)
        state = device.state()
        _made[maker, number] = device, pickle.dumps(state)
        states.append((number, state))
    return states


def _advanced(make: Make, tasks: Sequence[Task]) -> list[tuple[int, tuple[dict[str, Any], float]]]:
    """Return the states of devices after their drives, and the charges (C)."""
    # What travels with every task is unpacked each time: its bytes tell whether it is the same.
    maker = pickle.dumps(make)
    return [(number, _one(make, (maker, number), state, drive)) for number, state, drive in tasks]


def _one(
    make: Make, key: tuple[bytes, int], state: dict[str, Any], drive: Drive
) -> tuple[dict[str, Any], float]:
    """Return the state of a device after a drive, and the charge (C)."""
    state_bytes, (device, last) = pickle.dumps(state), _made.get(key, (None, b""))
    if device is None:
        device = make(key[1])
    if state_bytes != last:
        device.restore(state)
    charge, after = drive.advance(device), device.state()
    _made[key] = device, pickle.dumps(after)
    return after, charge

"""All exact tests: each is a function without arguments that returns rows."""

from collections.abc import Callable

from . import device, engine, fields
from .row import Check

TESTS: tuple[Callable[[], list[Check]], ...] = (
    engine.barrier_split,
    engine.engine_balance,
    engine.waiting_time,
    engine.drift,
    engine.boltzmann,
    fields.network,
    fields.fields,
    fields.green,
    device.coulomb,
    device.heat,
    device.device_balance,
    device.closure,
    device.closed_paths,
    device.mean_weights,
)


def rows() -> list[Check]:
    """Carry out all tests."""
    return [row for test in TESTS for row in test()]

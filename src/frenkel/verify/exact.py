"""All exact tests: each is a function without arguments that returns rows."""

from collections.abc import Callable

from . import device, engine, fields
from .row import Row

TESTS: tuple[Callable[[], list[Row]], ...] = (
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
    device.mean_weights,
)


def rows() -> list[Row]:
    """Carry out all tests."""
    return [row for test in TESTS for row in test()]

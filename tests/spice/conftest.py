"""Tests in circuit simulators; the long ones run with `make test-spice`."""

import pytest

LONG = "spice: long runs in circuit simulators, by `make test-spice`"


def pytest_configure(config):
    config.addinivalue_line("markers", LONG)


def pytest_collection_modifyitems(config, items):
    """Leave out long tests unless -m asks for them."""
    if "spice" in (config.option.markexpr or ""):
        return
    long = [item for item in items if item.get_closest_marker("spice")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.fixture(scope="session")
def bench_folder(tmp_path_factory):
    """Return a folder in which the Verilog-A export is compiled once."""
    return tmp_path_factory.mktemp("bench")

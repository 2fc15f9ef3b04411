"""Fixtures shared by the tests: a made-up result, and studies that are run once."""

import gc
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import recorded
from made_up_results import ATTRS, synthetic

RELATIVE = {"array", "events", "networks", "studies"}
"""Rooms in which `pytest.approx` is relative unless a test names an ``abs``: its own 1e-12 lets every energy
in joules and every capacitance in farads pass."""

LONG = (
    "experiment/test_moments.py", "test_docs.py", "analysis/reliability/test_bakes.py", "test_threads.py",
    "test_tasks.py", "kinetic/test_finite_difference.py", "fuzz/test_fuzz.py",
    "kinetic/engine/test_reference.py", "test_laws.py", "analysis/fitting/test_card_ranks.py",
    "calibration/test_target.py", "studies/test_runner.py",
)  # fmt: skip
"""Files that take longest. They begin first: a file stays with one process, and all wait for the last."""


def pytest_collection_modifyitems(items):
    order = {str(Path(__file__).parent / name): number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: order.get(str(item.path), len(order)))


def pytest_collection_finish():
    """Collect garbage less often, and not among the objects that stay: it took a tenth of the time."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


pytest_addoption, pytest_configure = recorded.pytest_addoption, recorded.pytest_configure


@pytest.fixture(autouse=True)
def relative(request, monkeypatch):
    if request.path.relative_to(Path(__file__).parent).parts[0] in RELATIVE:
        monkeypatch.setattr(type(pytest.approx(1.0)), "DEFAULT_ABSOLUTE_TOLERANCE", 0.0)


@pytest.fixture
def interruptible():
    """Heed Ctrl-C even where a shell has started us in the background, and what we start with it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def arrays():
    return synthetic()


@pytest.fixture
def result(arrays):
    from frenkel.data import schema

    return schema.dataset(arrays, ATTRS)


@pytest.fixture(scope="session")
def reduced_study(tmp_path_factory):
    """Return studies of hardly trained networks, each run once in a session when first asked for.

    What they compute is held to closed forms in `studies/test_effects.py`; these run from end to end, with 24
    cells of an array in place of 64.
    """
    from frenkel.networks import array_pulses
    from frenkel_studies import runner as study
    from frenkel_studies.common.settings import Settings

    folder, made = tmp_path_factory.mktemp("studies"), {}

    def get(name):
        if name not in made:
            shares = get.shares[name] = []
            settings = replace(get.settings, progress=lambda share, what: shares.append(share))
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(array_pulses, "ROWS", 3)
                made[name] = study.carry_out(name, settings, folder)
        return made[name]

    get.folder, get.settings, get.shares = folder, Settings(seeds=2, chips=1, steps=5), {}
    return get

"""Fixtures shared by the tests: a made-up result, and studies that are run once."""

import signal

import pytest
from made_up_results import ATTRS, synthetic


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
    from frenkel.analysis.results import schema

    return schema.dataset(arrays, ATTRS)


@pytest.fixture(scope="session")
def reduced_study(tmp_path_factory):
    """Return studies at their reduced size, each run once in a session when first asked for."""
    from frenkel.studies import runner as study
    from frenkel.studies.common.settings import REDUCED, Settings

    folder, made = tmp_path_factory.mktemp("studies"), {}

    def get(name):
        if name not in made:
            made[name] = study.carry_out(name, Settings(**REDUCED), folder)
        return made[name]

    get.folder = folder
    return get

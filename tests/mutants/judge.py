"""Plugin of pytest for `draw.py`: run listed tests in their order; note which runs, and fails."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

ORDER = Path(os.environ["JUDGES"])
"""JSON: names of tests, or of files of which all tests run."""
NOTE = ORDER.with_suffix(".note")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    place = {name: number for number, name in enumerate(json.loads(ORDER.read_text()))}

    def of(item: pytest.Item) -> int | None:
        return place.get(item.nodeid, place.get(item.nodeid.partition("::")[0]))

    config.hook.pytest_deselected(items=[item for item in items if of(item) is None])
    items[:] = sorted((item for item in items if of(item) is not None), key=lambda item: of(item) or 0)


def pytest_runtest_logstart(nodeid: str) -> None:
    NOTE.write_text(nodeid)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed:
        NOTE.with_suffix(".failed").write_text(report.nodeid)

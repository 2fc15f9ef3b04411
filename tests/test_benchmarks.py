"""The scripts of benchmarks/ load, and what they replace to take its time is there."""

import runpy
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"
SCRIPTS = sorted(FOLDER.glob("*.py"))


@pytest.mark.parametrize("path", SCRIPTS, ids=[path.stem for path in SCRIPTS])
def test_a_script_loads(path, monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    names = runpy.run_path(str(path), run_name="loaded")
    for original, methods in names.get("PARTS", {}).items():
        assert not [name for name in methods if not hasattr(original, name)]
    for module, name in names.get("FUNCTIONS", {}):
        assert hasattr(module, name)

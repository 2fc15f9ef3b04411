"""How many packages the way from an ensemble to a card enters, and which.

``python tests/test_entered_packages.py`` prints them with their modules. A package is a folder of frenkel, at
most two deep, such as ``analysis/fitting``; the modules of the lowest layer are one. It is entered where code
of one of its modules runs, at an import too; a package's own ``__init__`` does not count.
"""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import frenkel as fk

ENSEMBLE = Path(__file__).resolve().parents[1] / "examples" / "ensemble_cycles.nc"
MOST_PACKAGES = 15

PROFILED = """
import json, sys

files = set()

def note(frame, event, argument, add=files.add):
    add(frame.f_code.co_filename)

sys.settrace(note)  # it returns None: calls alone, no lines
from frenkel.cli.main import main

status = main(["fit", *sys.argv[1:]])
sys.settrace(None)
names = {getattr(module, "__file__", None): name for name, module in sys.modules.items()}
print("\\n" + json.dumps([status, sorted((names[file], file) for file in files if file in names)]))
"""


def entered(files):
    """Return {package: modules} of the modules of frenkel that are in a list of (module, file)."""
    packages = defaultdict(set)
    for module, file in files:
        parts = module.split(".")[1:]
        if module.startswith("frenkel.") and not file.endswith("__init__.py"):
            packages["/".join(parts[:-1][:2]) or "frenkel"].add(parts[-1])
    return packages


def packages_of_fit(folder, *options):
    """Return the packages that `frenkel fit` enters with 64 devices and 40 cycles of the ensemble."""
    some = fk.open(ENSEMBLE).isel(member=slice(64), cycle=slice(40))
    del some.attrs["content_hash"]
    some.to_netcdf(folder / "some.nc")
    paths = [str(folder / "some.nc"), "-o", str(folder / "x.json")]
    command = [sys.executable, "-c", PROFILED, *paths, *options]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    status, files = json.loads(run.stdout.splitlines()[-1])
    assert status in (0, 1), run.stderr  # 1: the card was written, and failed
    assert (folder / "x.json").exists()
    return entered(files)


def test_few_packages_from_an_ensemble_to_a_card(tmp_path):
    packages = packages_of_fit(tmp_path, "--components", "1", "--bootstrap", "0")
    assert {"data", "cells", "analysis/fitting", "experiment"} <= packages.keys()
    assert len(packages) <= MOST_PACKAGES, sorted(packages)


def test_packages_are_counted_two_deep():
    files = [("frenkel.data.measured.instruments.source", "source.py"), ("frenkel.data", "__init__.py"),
             ("frenkel.data.measured.table", "table.py"), ("frenkel.errors", "errors.py"),
             ("numpy.linalg", "linalg.py")]
    assert entered(files) == {"data/measured": {"source", "table"}, "frenkel": {"errors"}}


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        ways = packages_of_fit(Path(scratch))
    print(f"{len(ways)} packages")
    for name, modules in sorted(ways.items()):
        print(f"{name:<22}{' '.join(sorted(modules))}")

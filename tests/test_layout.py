"""The arrangement of folders, and the floors: which module may import which.

Needs only the standard library and pytest, so that it also runs on a Python without our dependencies.
"""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "frenkel"
LEVELS = ("kinetic", "events", "array", "mpi_runs", "analysis")
OWN = ("networks", "studies")
"""Folders that stand in the package itself."""

FLOORS = {"typing": 0, "errors": 0, "checks": 0, "threads": 0, "units": 0, "provenance": 1, "card": 1, "kinetic": 2, "analysis": 2, "mpi_runs": 2, "array": 3,
          "events": 4, "experiment": 5, "networks": 6, "studies": 7, "cli": 8, "__main__": 9}
"""Modules and folders of the package; a floor imports from lower floors, and a folder from itself."""

COMMANDS = {
    "cli_arrays",
    "cli_cards",
    "cli_cluster",
    "cli_ensembles",
    "cli_export",
    "cli_pictures",
    "cli_studies",
    "ensemble_report",
    "plan",
    "progress",
    "reads",
    "report",
    "report_reads",
    "study",
    "study_report",
    "verify",
}
"""Files that the command line is divided into."""


CARD = {"_sampler", "card_cells", "card_noise"}
"""Files that the card is divided into."""


def shelf(name):
    """Return the floor's owner; a file of the package that is none of them belongs to the experiment."""
    if name in FLOORS:
        return name
    if name in COMMANDS:
        return "cli"
    if name in CARD:
        return "card"
    return "experiment" if (PACKAGE / f"{name}.py").is_file() else name


pytestmark = pytest.mark.skipif(
    not (PACKAGE / "kinetic").is_symlink(), reason="a source distribution has folders instead of links"
)


def test_array_has_no_init():
    """With one, `import array` from the root would find ours instead of Python's."""
    assert not (ROOT / "array" / "__init__.py").exists()
    assert not list((ROOT / "array").glob("__init__.*"))


@pytest.mark.parametrize("level", [level for level in LEVELS if level != "array"])
def test_other_levels_are_packages_that_export_nothing(level):
    tree = ast.parse((ROOT / level / "__init__.py").read_text(encoding="utf-8"))
    assert ast.get_docstring(tree) and len(tree.body) == 1


def test_python_finds_its_own_array_from_the_root():
    code = "import array, multiprocessing.reduction; array.array('d'); print(array.__name__)"
    # PYTHONSAFEPATH or -I would hide the trap: the current folder must be on the path.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment,
                         capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "array"


@pytest.mark.parametrize("level", LEVELS)
def test_links_resolve(level):
    link = PACKAGE / level
    assert link.is_symlink() and link.is_dir()
    assert os.readlink(link) == f"../../{level}"


def modules():
    """Return every Python and Cython file of the package as (dotted parts, path)."""
    files = [path for level in LEVELS for path in sorted((ROOT / level).rglob("*.py*"))]
    files += sorted(PACKAGE.glob("*.py*"))
    files += [path for folder in OWN for path in sorted((PACKAGE / folder).glob("*.py"))]
    for path in files:
        base = PACKAGE if path.is_relative_to(PACKAGE) else ROOT
        if path.suffix in (".py", ".pyx", ".pyi"):
            yield path.relative_to(base).with_suffix("").parts, path


def targets(parts, source):
    """Return the modules of frenkel that a source text imports, as dotted parts below frenkel.

    Imports inside functions count. ``frenkel`` itself is an empty tuple.
    """
    folder = parts[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            module = (node.module or "").split(".")
            names = [module + [alias.name] for alias in node.names] if module == ["frenkel"] else [module]
        elif isinstance(node, ast.ImportFrom):
            base = ["frenkel", *folder][: len(folder) + 2 - node.level]
            module = base + (node.module.split(".") if node.module else [])
            names = [module + [alias.name] for alias in node.names] if module == ["frenkel"] else [module]
        else:
            continue
        yield from (tuple(name[1:]) for name in names if name[0] == "frenkel")


def faults(parts, source):
    """Return a sentence for each import that goes up, sideways or to frenkel itself."""
    own = shelf(parts[0])
    for target in targets(parts, source):
        other = shelf(target[0]) if target else ""
        if not target:
            yield f"{'.'.join(parts)} imports frenkel itself"
        elif other not in FLOORS:
            yield f"{'.'.join(parts)} imports {other}, which has no floor"
        elif other != own and FLOORS[other] >= FLOORS[own]:
            yield f"{'.'.join(parts)} (floor {FLOORS[own]}) imports {target[0]} (floor {FLOORS[other]})"


def statements(path):
    """Return the imports of a file; Cython is not Python, so its lines are picked by their start."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".pyx":
        return text
    text = text.replace("(\n", "(").replace(",\n", ",")
    lines = [line.strip() for line in text.splitlines()]
    lines = [line.replace(" cimport ", " import ") for line in lines if line.startswith(("from ", "import "))]
    return "\n".join(line for line in lines if " import " in f" {line}" and not line.endswith(":"))


@pytest.mark.parametrize(("parts", "path"), list(modules()), ids=lambda value: getattr(value, "name", ""))
def test_floors(parts, path):
    if parts[0] == "__init__":
        pytest.skip("the public names come from every floor")
    assert shelf(parts[0]) in FLOORS, f"{parts[0]} has no floor in this test"
    assert not list(faults(parts, statements(path)))


@pytest.mark.parametrize(("module", "source", "message"), [
    ("analysis.fit", "from frenkel.array.a import A", "analysis.fit (floor 2) imports array (floor 3)"),
    ("analysis.fit", "from ..kinetic import device", "analysis.fit (floor 2) imports kinetic (floor 2)"),
    ("analysis.fit", "from .. import kinetic", "analysis.fit (floor 2) imports kinetic (floor 2)"),
    ("kinetic.device", "import frenkel.experiment", "kinetic.device (floor 2) imports experiment (floor 5)"),
    ("kinetic.device", "def f():\n    import frenkel", "kinetic.device imports frenkel itself"),
    ("experiment", "from . import cli", "experiment (floor 5) imports cli (floor 8)"),
    ("experiment", "from .cli import main", "experiment (floor 5) imports cli (floor 8)"),
    ("kinetic.device", "from ..protocol import run", "kinetic.device (floor 2) imports protocol (floor 5)"),
    ("units", "from frenkel import provenance", "units (floor 0) imports provenance (floor 1)"),
    ("cli", "from . import colours", "cli imports colours, which has no floor"),
])
def test_planted_faults_are_found(module, source, message):
    assert list(faults(tuple(module.split(".")), source)) == [message]


@pytest.mark.parametrize(("module", "source"), [
    ("kinetic.device", "from ..units import nm\nfrom .engine import Engine\nfrom . import green"),
    ("experiment", "from .kinetic.device import Device\nfrom frenkel.analysis import schema"),
    ("events.clock", "from frenkel.array.cells import Cell"),
])
def test_allowed_imports(module, source):
    assert not list(faults(tuple(module.split(".")), source))


def test_pyproject_lists_the_packages():
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    assert set(settings["packages"]) == {"frenkel", *(f"frenkel.{level}" for level in (*LEVELS, *OWN))}


def test_import_is_light():
    """`import frenkel` must not pull in what takes long: xarray, pint, matplotlib, MPI."""
    pytest.importorskip("numpy")
    code = ("import sys, frenkel; print(sorted({'xarray', 'pint', 'pydantic', 'matplotlib', "
            "'mpi4py.MPI', 'netCDF4', 'pandas'} & set(sys.modules)))")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    run = subprocess.run([sys.executable, "-c", code], env=environment,
                         capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[]"

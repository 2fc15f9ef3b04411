"""The arrangement of folders, the layers (which folder may import which), the size of files and functions.

Needs only the standard library and pytest, so that it also runs on a Python without our dependencies.
"""

import ast
import functools
import graphlib
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "frenkel"
LEVELS = ("kinetic", "events", "array", "mpi_runs", "analysis")
"""Folders at the root, linked into the package."""

LAYERS = [
    {"_lapack", "checks", "errors", "escape", "progress", "provenance"}
    | {"imports", "memory", "plugins", "threads", "toml", "typing", "units", "validation"},
    {"data", "notebook", "quantity"},
    {"cells", "mpi_runs"},
    {"analysis", "kinetic"},
    {"array"},
    {"configuration", "events"},
    {"experiment", "networks", "verify"},
    {"barriers", "bench", "calibration", "migrate", "rare"},
    {"reports"},
    {"cli", "scripting"},
]
"""Folders and modules of the package in layers, lowest first: each imports lower layers and itself."""

INNER = {
    "kinetic": [
        {"_circuit", "_extremes", "heating", "lattice", "materials", "seeds", "thermal", "waveform"},
        {"circuit", "extremes", "mechanisms"},
        {"conduction", "engine", "load"},
        {"fields"},
        {"state"},
        {"solver"},
        {"_loop", "finite_difference", "occupation", "oxide_heat", "score_function", "superbasin"},
        {"run"},
        {"device"},
        {"lattice_gas"},
    ],
    "analysis": [
        {"results", "statistics"},
        {"noise", "reliability"},
        {"exports", "measured"},
        {"fitting"},
        {"plots"},
    ],
}
"""Layers within a folder whose parts build on each other."""

pytestmark = pytest.mark.skipif(
    not (PACKAGE / "kinetic").is_symlink(), reason="a source distribution has folders instead of links"
)


def layer_of(name, layers):
    """Return the number of the layer of a folder or module, None where it has none."""
    return next((number for number, names in enumerate(layers) if name in names), None)


def modules():
    """Return every Python and Cython file of the package as {dotted parts: path}."""
    found = {}
    for base in (*(ROOT / level for level in LEVELS), PACKAGE):
        for path in sorted(base.rglob("*.py*")):
            parts = path.relative_to(PACKAGE if base == PACKAGE else ROOT).with_suffix("").parts
            linked = base == PACKAGE and parts[0] in (*LEVELS, "examples")
            if path.suffix in (".py", ".pyx", ".pyi") and not linked:
                found[parts] = path
    return found


MODULES = modules()

APPLICATION, HOOK = ROOT / "applications" / "studies", ("cli", "main")
"""A user of the package beside it, shipped as `frenkel_studies`, and the one module that knows of it."""

APPLICATIONS = {("frenkel_studies", *path.relative_to(APPLICATION).with_suffix("").parts): path
                for path in sorted(APPLICATION.rglob("*.py"))}  # fmt: skip


def nodes_of(source):
    """Return all nodes of a source text, the module first."""
    return list(ast.walk(ast.parse(source)))


def targets(parts, nodes):
    """Yield the modules of frenkel that a source text imports, as dotted parts below frenkel.

    Imports inside functions and those for types alone count. ``frenkel`` itself is an empty tuple.
    """
    for node in nodes:
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            up = ["frenkel", *parts[:-1]][: len(parts) + 1 - node.level] if node.level else []
            module = up + (node.module.split(".") if node.module else [])
            names = [[*module, alias.name] for alias in node.names]
        else:
            continue
        for name in (tuple(name[1:]) for name in names if name[0] == "frenkel"):
            # What is imported from a module may be a module or a name in it.
            shorter = name[:-1]
            known = name in MODULES or (*name, "__init__") in MODULES or not shorter
            yield name if known else shorter


def statements(path):
    """Return the imports of a file; Cython is not Python, so its lines are picked by their start."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".pyx":
        return text
    text = text.replace("(\n", "(").replace(",\n", ",")
    lines = [line.strip() for line in text.splitlines()]
    lines = [line.replace(" cimport ", " import ") for line in lines if line.startswith(("from ", "import "))]
    return "\n".join(line for line in lines if " import " in f" {line}" and not line.endswith(":"))


def faults(parts, imported):
    """Yield a sentence for each import that goes up, sideways or to frenkel itself."""
    for target in imported:
        if not target:
            yield f"{'.'.join(parts)} imports frenkel itself"
        elif target[0] != parts[0]:
            yield from fault(parts, target, parts[0], target[0], LAYERS)
        elif parts[0] in INNER and "__init__" not in (parts[1], *target[1:2]) and target[1:2] != parts[1:2]:
            yield from fault(parts, target, parts[1], target[1], INNER[parts[0]])


def fault(parts, target, own, other, layers):
    """Yield what is wrong with an import from one folder to another, if anything is."""
    here, there = layer_of(own, layers), layer_of(other, layers)
    if here is None or there is None:
        yield f"{own if here is None else other} has no layer"
    elif there >= here:
        yield f"{'.'.join(parts)} (layer {here}) imports {'.'.join(target)} (layer {there})"


MOST_LAYERS, MOST_LINES, MOST_FUNCTION = 11, 700, 80
"""Limits on layers, on lines of a Python file, and on lines of a function without its docstring."""


def too_long(path, text):
    """Return whether a file has too many lines; one of Cython may be as long as its subject."""
    return path.suffix == ".py" and text.count("\n") > MOST_LINES


def long_functions(nodes):
    """Return [name: lines] of the functions that are too long."""
    found = []
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            size = node.end_lineno - node.lineno + 1
            if ast.get_docstring(node, clean=False) is not None:
                size -= node.body[0].end_lineno - node.body[0].lineno + 1
            if size > MOST_FUNCTION:
                found.append(f"{node.name}: {size} lines")
    return found


def private_names(parts, nodes):
    """Return the private names of other modules and classes that a source text takes.

    A name is its own where the text defines it; an underscored module is compiled: its names are public.
    """
    own, taken = set(), []
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            own.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            own.update([node.attr] if of_itself(node) else [])
        elif isinstance(node, ast.ImportFrom):
            base = parts[: len(parts) - node.level] if node.level else ()
            module = base + tuple((node.module or "").split(".") if node.module else ())
            taken += [alias.name for alias in node.names if (*module, alias.name) not in MODULES
                      and (node.level or module[:1] == ("frenkel",))]
        if isinstance(node, ast.Attribute) and not of_itself(node):
            taken.append(node.attr)
    return [name for name in taken
            if name.startswith("_") and not name.endswith("__") and name not in own | OF_PYTHON]


def of_itself(node):
    """Return whether an attribute is one of ``self`` or of ``cls``."""
    return isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")


OF_PYTHON = {"_asdict", "_exit", "_fields", "_replace"}
"""Underscored names that Python's own library documents."""


def circle(graph):
    """Return modules that import each other in a ring, None where there is no ring."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return None


def folder_of(parts):
    """Return the folder of a module, or the module itself where it stands in a layer by its own name."""
    alone = len(parts) == 1 or (parts[0] in INNER and len(parts) == 2)
    return parts if alone else parts[:-1]


def imports():
    """Return {module: modules that it imports}; the public names of the package import nothing."""
    return {parts: {target if target in MODULES else (*target, "__init__")
                    for target in seen(parts).imported if target and target != parts}
            for parts in MODULES if parts != ("__init__",)}


def test_array_has_no_init():
    """With one, `import array` from the root would find ours instead of Python's."""
    assert not (ROOT / "array" / "__init__.py").exists()
    assert not list((ROOT / "array").glob("__init__.*"))


@pytest.mark.parametrize("path", [path for path in MODULES.values() if path.name == "__init__.py"],
                         ids=lambda path: path.parent.name)
def test_packages_export_nothing(path):
    # Public names; `networks.convert`.
    if path.parent not in (PACKAGE, PACKAGE / "networks"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree) and len(tree.body) == 1


def test_python_finds_its_own_array_from_the_root():
    code = "import array, multiprocessing.reduction; array.array('d'); print(array.__name__)"
    # PYTHONSAFEPATH or -I would hide the trap: the current folder must be on the path.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment,
                         capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "array"


@pytest.mark.parametrize("level", (*LEVELS, "examples"))
def test_links_resolve(level):
    link = PACKAGE / level
    assert link.is_symlink() and link.is_dir()
    assert os.readlink(link) == f"../../{level}"


def test_the_application_is_linked_beside_the_package():
    link = PACKAGE.with_name("frenkel_studies")
    assert link.is_symlink() and os.readlink(link) == "../applications/studies" and len(APPLICATIONS) > 15


def test_one_module_knows_of_the_application():
    texts = {parts: path.read_text(encoding="utf-8") for parts, path in MODULES.items()}
    assert [parts for parts, text in texts.items() if "frenkel_studies" in text] == [HOOK]


def test_few_layers():
    assert max(map(len, (LAYERS, *INNER.values()))) <= MOST_LAYERS


@functools.cache
def seen(parts):
    """Return what is asked of a module; its text is parsed once, and its nodes are not kept."""
    path = EVERY[parts]
    text, nodes = path.read_text(encoding="utf-8"), nodes_of(statements(path))
    python = path.suffix != ".pyx"
    return SimpleNamespace(
        imported=list(targets(parts, nodes)),
        too_long=too_long(path, text),
        long_functions=long_functions(nodes) if python else [],
        private_names=private_names(parts, nodes),
        access=access_to_files(nodes) if python else [],
    )


@pytest.mark.parametrize("parts", list(MODULES), ids=".".join)
def test_layers(parts):
    if parts in {("__init__",), ("__main__",)}:
        pytest.skip("imports from every layer")
    assert not list(faults(parts, seen(parts).imported))


@pytest.mark.parametrize(("module", "source", "message"), [
    ("analysis.noise.a", "from frenkel.array.crossbar import A",
     "analysis.noise.a (layer 3) imports array.crossbar (layer 4)"),
    ("analysis.noise.a", "from ...kinetic import device",
     "analysis.noise.a (layer 3) imports kinetic.device (layer 3)"),
    ("analysis.noise.a", "from ... import kinetic", "analysis.noise.a (layer 3) imports kinetic (layer 3)"),
    ("analysis.noise.a", "from ..fitting import gate",
     "analysis.noise.a (layer 1) imports analysis.fitting.gate (layer 3)"),
    ("kinetic.device", "import frenkel.experiment", "kinetic.device (layer 3) imports experiment (layer 6)"),
    ("kinetic.device", "def f():\n    import frenkel", "kinetic.device imports frenkel itself"),
    ("kinetic.engine.tables", "from ..device import Device",
     "kinetic.engine.tables (layer 2) imports kinetic.device (layer 8)"),
    ("kinetic.engine.tables", "if TYPE_CHECKING:\n    from ..run import Run",
     "kinetic.engine.tables (layer 2) imports kinetic.run (layer 7)"),
    ("experiment.measurements", "from ..cli import main",
     "experiment.measurements (layer 6) imports cli.main (layer 9)"),
    ("units", "from .cells import card", "units (layer 0) imports cells.card (layer 2)"),
    ("cli.main", "from ..colours import red", "colours has no layer"),
])
def test_planted_faults_are_found(module, source, message):
    parts = tuple(module.split("."))
    assert list(faults(parts, targets(parts, nodes_of(source)))) == [message]


def test_no_circle_of_modules():
    assert circle(imports()) is None


def test_no_circle_of_folders():
    """Nor do folders import each other: what a sub-package needs stands beside or below it."""
    graph = {}
    for parts, imported in imports().items():
        own = folder_of(parts)
        graph.setdefault(own, set()).update({folder_of(other) for other in imported} - {own})
    assert circle(graph) is None


EVERY = MODULES | APPLICATIONS


@pytest.mark.parametrize("parts", list(EVERY), ids=".".join)
def test_files_and_functions_are_short(parts):
    assert not seen(parts).too_long and not seen(parts).long_functions


@pytest.mark.parametrize("parts", [parts for parts, path in EVERY.items() if path.suffix == ".py"],
                         ids=".".join)
def test_no_private_name_of_another_module(parts):
    assert not seen(parts).private_names


@pytest.mark.parametrize(("source", "names"), [
    ("from .engine.engine import _draw", ["_draw"]),
    ("def f(device):\n    return device._hazard", ["_hazard"]),
    ("class A:\n    def f(self, other):\n        return self._b + other._b\n    _b = 1", []),
    ("from .engine._engine import Kernel\nnamed._replace(a=1)", []),
])
def test_planted_private_names_are_found(source, names):
    assert private_names(("kinetic", "device"), nodes_of(source)) == names


OPENERS = re.compile(r"(xr|xarray)\.(open|load)_\w+|netCDF4\.\w*Dataset|(h5py|h5netcdf)\.File")
"""Calls that open a netCDF file."""

ASKS = re.compile(r"_?is_(netcdf|device|ensemble|array|measured|table|study|tails|sensitivity|calibration"
                  r"|card|shard|checkpoint|csv|text|excel|result|sweep|dataset|configuration)(_file)?"
                  r"|_?(kind|form|format)_of_(file|path|data|dataset)|_kind|_form|of_table")
"""Names of functions that tell what a file is."""

MARK = "frenkel_kind"
"""Attribute that says what a dataset is; writers give it, and `data` alone reads it."""


def access_to_files(nodes):
    """Return the calls of a text that open netCDF files, and its functions that tell what a file is."""
    top, found = set(nodes[0].body), []
    for node in nodes:
        if isinstance(node, ast.Call) and OPENERS.fullmatch(dotted(node.func)):
            found.append(dotted(node.func))
        elif isinstance(node, ast.ImportFrom) and node.module in ("xarray", "netCDF4"):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [name for name in names if OPENERS.fullmatch(name)]
        elif isinstance(node, ast.Subscript) and getattr(node.slice, "value", None) == MARK:
            found.append(ast.unparse(node))
        elif isinstance(node, ast.Call) and node.args and getattr(node.args[0], "value", None) == MARK:
            found.append(ast.unparse(node))
        elif isinstance(node, ast.FunctionDef) and ASKS.fullmatch(node.name):
            found.append(node.name)
        elif isinstance(node, ast.Assign) and node in top:
            names = [ast.unparse(target) for target in node.targets]
            found += [name for name in names if ASKS.fullmatch(name)]
    return found


def dotted(node):
    """Return `module.name` where a node is that, else nothing."""
    plain = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    return f"{node.value.id}.{node.attr}" if plain else ""


@pytest.mark.parametrize("parts", [parts for parts, path in EVERY.items()
                                   if path.suffix == ".py" and parts[0] != "data"], ids=".".join)
def test_data_alone_opens_files_and_tells_what_they_are(parts):
    assert not seen(parts).access


@pytest.mark.parametrize(("source", "found"), [
    ("def f(p):\n    import xarray as xr\n    return xr.open_dataset(p)", ["xr.open_dataset"]),
    ("with netCDF4.Dataset(path) as file:\n    pass", ["netCDF4.Dataset"]),
    ("from xarray import load_dataset, Dataset", ["xarray.load_dataset"]),
    ("def _is_table(data):\n    return True", ["_is_table"]),
    ("is_ensemble = LAYOUT.marks", ["is_ensemble"]),
    ("def _kind(file):\n    return kinds.kind_of(file)", ["_kind"]),
    ("def form_of_file(file):\n    return file.suffix", ["form_of_file"]),
    ("kind = data.attrs['frenkel_kind']", ["data.attrs['frenkel_kind']"]),
    ("kind = data.attrs.get('frenkel_kind')", ["data.attrs.get('frenkel_kind')"]),
    ("def f(kind):\n    return {'frenkel_kind': kind}", []),
    ("def f(file: 'netCDF4.Dataset') -> None:\n    xr.Dataset()", []),
])
def test_planted_access_to_files_is_found(source, found):
    assert access_to_files(nodes_of(source)) == found


def test_planted_circles_and_lengths_are_found():
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}
    assert circle({"a": {"b", "c"}, "b": {"c"}}) is None
    assert too_long(Path("a.py"), "\n" * 701) and not too_long(Path("a.py"), "\n" * 700)
    assert not too_long(Path("a.pyx"), "\n" * 2000)
    body = "\n".join("    x = 1" for _ in range(80))
    assert long_functions(nodes_of(f"def f():\n{body}")) == ["f: 81 lines"]
    assert not long_functions(nodes_of("def f():\n    '''" + "long\n" * 90 + "'''\n    return 1"))


@pytest.mark.parametrize(("module", "source"), [
    ("kinetic.device", "from ..units import nm\nfrom .engine.engine import Engine"),
    ("experiment.a", "from ..kinetic.device import Device\nfrom frenkel.data import schema"),
    ("events.clock", "from frenkel.array.crossbar import Cell"),
])
def test_allowed_imports(module, source):
    parts = tuple(module.split("."))
    assert not list(faults(parts, targets(parts, nodes_of(source))))


def test_pyproject_lists_the_packages():
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folders = {parts[:-1] for parts in MODULES if parts[-1] == "__init__"} | {("array",), ("examples",)}
    beside = {parts[:-1] for parts in APPLICATIONS}
    names = [".".join(("frenkel", *parts)) for parts in folders] + [".".join(parts) for parts in beside]
    assert sorted(settings["packages"]) == sorted(names)


def test_messages_name_extras_that_there_are():
    """There is no distribution of this name on an index: extras are installed from a clone."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pages = [*MODULES.values(), *ROOT.glob("docs/*.md"), ROOT / "README.md"]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    commands = re.findall(r"pip install ['\"]?([\w.]*)\[(\w+)\]", text)
    assert {place for place, _ in commands} == {"."}
    assert {"mpi", "dask", "fit", "ase"} <= {name for _, name in commands}
    assert {name for _, name in commands} <= set(project["optional-dependencies"])


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

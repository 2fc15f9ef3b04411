"""What is installed is complete, and says the same in every place that says it."""

import ast
import email.parser
import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
OTHER_NAMES = {"netcdf4": "netCDF4", "matplotlib-base": "matplotlib"}
"""Of conda, and those of the Python index."""

FOLDERS = [
    path
    for room in (
        "src/frenkel", "kinetic", "events", "array", "mpi_runs", "analysis", "applications", "examples"
    )
    for path in sorted((ROOT / room).rglob("*"))
    if path.is_file() and "__pycache__" not in path.parts
]
OURS = {".py", ".so", ".c"}


def bounds(lines):
    """Return {library: its least version} of lines such as "numpy>=2.0"."""
    found = {}
    for line in lines:
        name, _, version = line.replace(" ", "").partition(">=")
        found[OTHER_NAMES.get(name, name)] = version
    return found


def test_every_file_of_the_package_is_installed():
    """Whatever is no module matches a pattern of the packaging: scripts, templates, pages, layouts, data."""
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["*"]
    packaged = [path for path in FOLDERS if path.suffix not in OURS and path.name != "README.md"]
    # A pattern with a folder is of a folder without modules of its own.
    missing = [
        str(path.relative_to(ROOT))
        for path in packaged
        if not any(fnmatch("/".join(path.parts[-2:]) if "/" in one else path.name, one) for one in patterns)
        # Fetched with a clone: ensembles that cards are fitted to, and measurements of others.
        and path.suffix != ".nc"
        and "measured" not in path.parts
    ]
    assert len(packaged) > 60 and missing == []


@pytest.fixture(scope="module")
def recipe():
    """The recipe as conda-build sees it: filled in strictly, with what that program gives to a recipe."""
    jinja2, yaml = pytest.importorskip("jinja2"), pytest.importorskip("yaml")
    folder = ROOT / "containers" / "conda"

    def load(name, from_recipe_dir=False):
        assert from_recipe_dir, "without it the file is looked for where sources are not yet"
        return tomllib.loads((folder / name).read_text(encoding="utf-8"))

    given = {"load_file_data": load, "compiler": lambda name: f"{name}-compiler", "PYTHON": "python"}
    template = jinja2.Template((folder / "meta.yaml").read_text("utf-8"), undefined=jinja2.StrictUndefined)
    return yaml.safe_load(template.render(given))


def test_the_recipe_asks_for_the_same_libraries(recipe):
    sections = recipe["requirements"]
    run = bounds(PROJECT["project"]["dependencies"])
    assert bounds(line for line in sections["run"] if line != "python") == run
    build = bounds(PROJECT["build-system"]["requires"])
    assert bounds(line for line in sections["host"] if line not in ("python", "pip")) == build
    assert sections["build"] == ["c-compiler"]


def test_the_recipe_says_what_the_project_says(recipe):
    project = PROJECT["project"]
    assert recipe["package"] == {"name": project["name"], "version": project["version"]}
    ((program, function),) = project["scripts"].items()
    assert recipe["build"]["entry_points"] == [f"{program} = {function}"]
    assert recipe["about"]["license"] == project["license"]
    assert [recipe["about"]["license_file"]] == project["license-files"]
    assert (ROOT / "containers" / "conda" / recipe["source"]["path"]).resolve() == ROOT
    assert recipe["test"]["commands"][-1] in PROJECT["tool"]["cibuildwheel"]["test-command"]


def test_wheels_are_for_the_pythons_that_are_named():
    """Those of the classifiers, none below the least one."""
    wheels = {tuple(map(int, re.fullmatch(r"cp(\d)(\d+)-\*", one).groups()))
              for one in PROJECT["tool"]["cibuildwheel"]["build"]}  # fmt: skip
    named = {
        tuple(map(int, one.rsplit(" ", 1)[1].split(".")))
        for one in PROJECT["project"]["classifiers"]
        if re.search(r"Python :: 3\.\d+$", one)
    }
    least = tuple(map(int, PROJECT["project"]["requires-python"].removeprefix(">=").split(".")))
    assert named == wheels and min(wheels) == min(named) == least


def test_wheels_of_the_public_host_are_those_of_the_project():
    """Its workflow builds from the source distribution on each kind of machine."""
    yaml = pytest.importorskip("yaml")
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "wheels.yml").read_text("utf-8"))["jobs"]
    machines = jobs["wheels"]["strategy"]["matrix"]["machine"]
    assert {name.partition("-")[0] for name in machines} == {"ubuntu", "macos"} and len(machines) == 4
    commands = {job: [step.get("run", "") for step in jobs[job]["steps"]] for job in jobs}
    assert any("cibuildwheel frenkel-*.tar.gz" in line for line in commands["wheels"])
    assert any("conda build containers/conda" in line for line in commands["conda"])


def test_addresses_are_those_of_the_clone():
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    (code,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "addresses"]
    names = {"re": re, "email": email}
    exec(compile(ast.Module([code], []), "setup.py", "exec"), names)
    addresses = names["addresses"]
    urls = addresses("https://me:key@host.example/group/frenkel.git", "")
    assert urls["Source"] == "https://host.example/group/frenkel"
    assert urls["Changelog"] == "https://host.example/group/frenkel/blob/HEAD/CHANGELOG.md"
    packed = "Metadata-Version: 2.4\n" + "".join(f"Project-URL: {name}, {at}\n" for name, at in urls.items())
    assert addresses("", packed) == urls and addresses("/home/me/frenkel", "") == {}


@pytest.mark.parametrize("name", ["3Dmol", "uPlot"])
def test_what_others_wrote_has_its_licence(name):
    web = ROOT / "analysis" / "plots" / "web"
    assert "Copyright" in (web / f"{name}.LICENSE.txt").read_text(encoding="utf-8")
    (script,) = web.glob(f"{name}*.js")
    # The versions that the page names are those that are there.
    page = (web / "film.html").read_text(encoding="utf-8")
    version = re.search(rf"{name}(?:\.js)? (\d+\.\d+\.\d+)", page)[1]
    notices = [script, *web.glob(f"{script.name}.LICENSE.txt")]
    assert any(version in notice.read_text(encoding="utf-8") for notice in notices)

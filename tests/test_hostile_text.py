"""Text of strangers in pages, pictures and scripts is shown as it is: a parser finds text alone in it.

Each sink has one function in :mod:`frenkel.escape`. Exports of cards: tests/analysis/exports/test_hostile.py.
"""

import json
import re
import shlex
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import earlier
import numpy as np
import pytest
import xarray as xr
from made_up_cycles import cycles as cycles_of
from made_up_cycles import truth
from matplotlib.figure import Figure

from frenkel import escape
from frenkel.analysis.noise import trace
from frenkel.analysis.plots import (
    card,
    comparison,
    conduction,
    page,
    paper,
    probability,
    pulses,
    relaxation,
    rtn,
)
from frenkel.analysis.plots.film import Film
from frenkel.cli.main import main
from frenkel.data import content
from frenkel.mpi_runs import jobs
from frenkel.notebook import page as notebook_page
from frenkel.notebook import table
from frenkel_studies import report
from frenkel_studies.common.claims import Claim
from frenkel_studies.runner import Outcome

MARK = "planted"
MARKUP = f"{MARK}</script></title><!--<script><img src=x onerror=alert(1)>\"' autofocus=' &lt; ]]> @@data@@"
HOSTILE = (
    MARKUP,
    f"{MARK} $\\frac{{ $",
    f"{MARK} $5 and $6$",
    f"{MARK} \\$5 \\\\$6 ^_{{",
    f"{MARK} \u2028\u202e`id` $(id)",
)
"""Texts that are markup, mathematics, variables or commands elsewhere."""

DRAWN = (HOSTILE[1], " ".join((HOSTILE[0], *HOSTILE[2:])))
"""What would be an error of mathtext, and what it would set in italics."""


class Shape(HTMLParser):
    """Tags with the names of their attributes, values of attributes, and texts in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.values, self.texts, self.data = [], [], [], ""
        self.script = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.values += [value for _, value in attrs]
        self.script = dict(attrs).get("id") == "data"

    def handle_endtag(self, tag):
        self.tags.append((tag,))
        self.script = False

    def handle_comment(self, data):
        self.tags.append(("!--",))

    def handle_data(self, data):
        self.texts.append(data)
        if self.script:
            self.data += data


def renamed(data, text):
    """Return a dataset with a text in its title and in every name that it holds but those of kinds."""
    data = data.copy(deep=True)
    data.attrs |= {"title": text, "material": text, "source": text, "history": text}
    for name, one in data.variables.items():
        if one.dtype.kind in "OU" and name not in KEPT:
            data[name] = one.copy(
                data=np.array([f"{text} {k}" for k in range(one.size)], object).reshape(one.shape)
            )
    return data


KEPT = ("phase_kind", "step_kind", "axis", "direction", "line", "lane")
"""Names that the layout fixes."""

# ------------------------------------------------------------------------------ pages


@pytest.mark.parametrize("text", HOSTILE)
def test_a_film_is_the_page_of_an_ordinary_title(result, text):
    plain, hostile = Shape(Film(result).html), Shape(Film(renamed(result, text)).html)
    assert hostile.tags == plain.tags
    data = json.loads(hostile.data)
    assert data["title"] == text and data["phases"][0]["name"] == f"{text} 0"
    # "<!--" and "<script" change how a browser reads what follows; no such sign is in the data.
    assert not set("<>&\u2028\u2029") & set(hostile.data)
    assert f"<title>{escape.html(text)}</title>" in Film(renamed(result, text)).html


def outcome(text, folder):
    """Return a study of which every text is the same."""
    picture = folder / f"{text[:8].replace('/', '')}'\">.png"
    picture.write_bytes(b"png")
    made = {
        "configuration": {"seed": 1, text: text, "device_missing": [text]},
        "configuration_hash": text,
        "member": 0,
        "software": {"git": text, "name": "frenkel", "version": "0"},
        "environment": {"python": text},
        "seed": 1,
        "version": 1,
    }
    claim = Claim(id=text, sentence=text, source=text, ours=text, verdict="open")
    return Outcome(
        name="noise", title=text, table=f"| {text} | b |\n|--|--|\n| {text.replace('|', '')} | 1 |\n\n{text}",
        data=xr.Dataset(attrs={"provenance": json.dumps(made)}), claims=[claim], pictures=[picture],
        source=folder / f"{text.replace('/', '')}.nc",
    )  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_a_report_of_studies_holds_text_alone(tmp_path, text):
    plain, hostile = (Shape(report.page([outcome(one, tmp_path)])) for one in ("plain", text))
    assert hostile.tags == plain.tags
    whole = "".join(hostile.texts)
    line = " ".join(text.split())
    assert whole.count(MARK) >= 10 and " ".join(whole.split()).count(line) >= 8


@pytest.mark.parametrize("text", HOSTILE)
def test_a_table_of_a_notebook_holds_text_alone(text):
    plain, hostile = (Shape(notebook_page(one, one, table([one], [[one]]))) for one in ("plain", text))
    assert hostile.tags == plain.tags and "".join(hostile.texts).count(text) == 4


def test_html_of_attributes():
    for text in HOSTILE:
        found = Shape(f"<i a='{escape.html(text)}' b=\"{escape.html(text)}\">{escape.html(text)}</i>")
        assert (found.tags, found.values, found.texts) == ([("i", ("a", "b")), ("i",)], [text] * 2, [text])


# ------------------------------------------------------------------------------ pictures


@pytest.fixture
def mathematics(monkeypatch):
    """Return what matplotlib sets as mathematics: nothing of strangers may be there."""
    from matplotlib.mathtext import MathTextParser

    found, parse = [], MathTextParser.parse

    def kept(self, text, *more, **others):
        found.append(text)
        return parse(self, text, *more, **others)

    monkeypatch.setattr(MathTextParser, "parse", kept)
    return found


def drawn(figure):
    """Draw a figure and return its texts."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    FigureCanvasAgg(figure).draw()
    return [one._preprocess_math(one.get_text()) for one in figure.findobj(Text)]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_mathtext_returns_is_shown_as_it_is(mathematics, text):
    figure = Figure()
    figure.suptitle(escape.mathtext(text))
    assert (text, False) in drawn(figure) and not mathematics


def figures():
    """Return functions that draw from a text: every page of pictures."""
    rng = np.random.default_rng(1)
    levels = xr.DataArray(
        rng.uniform(1e-5, 2e-5, (10, 4)), dims=("device", "time"), coords={"time": [1.0, 10, 100, 1e3]}
    )
    train = [(1, np.linspace(1e-6, 1e-5, 9)), (2, np.linspace(1e-5, 1e-6, 9))]
    cycles, weibull = np.arange(1, 9), rng.weibull(2.0, 20)
    times, steps = np.arange(400) * 1e-3, 1e-6 + 1e-7 * (np.arange(400) // 10 % 2) + rng.normal(0, 1e-8, 400)

    volts = np.linspace(0.1, 1, 9)
    current = np.exp(volts) * np.array([[1e-6], [2e-6], [3e-6]])

    return {
        "sheet": lambda text: page.sheet(text, (6, 4), 1)[0],
        "label": labelled,
        "retention of levels": lambda text: relaxation.relaxation_page(
            {text: levels, f"{text} 2": 2 * levels}, text
        ),
        "conduction": lambda text: conduction.draw_conduction(
            conduction.tabulate({text: current, "b": current}, volts, [300, 350, 400], title=text)
        ),
        "telegraph noise": lambda text: rtn.page(trace.from_arrays(times, steps).assign_attrs(title=text)),
        "measured": lambda text: card.page(replace(truth(), name=text, version=text), observed(text)),
        "calibration": lambda text: comparison.corner(corner_of(text)),
        "a variable": lambda text: (
            paper.cdf(xr.DataArray(weibull, attrs={"long_name": text, "units": text})).figure
        ),
        "pulses": lambda text: pulses.updates_page(train, text),
        "endurance": lambda text: pulses.endurance_page(
            cycles, 1e6 + 0.0 * cycles, 1e4 + 0.0 * cycles, title=text
        ),
        "probability": lambda text: probability.probability_page({text: weibull}, title=text),
    }


def observed(text):
    """Return devices whose origin is a text."""
    return replace(cycles_of(24, 30, 1), origin=text)


def corner_of(text):
    """Return a calibration of two parameters whose every name is a text."""
    rng = np.random.default_rng(2)
    draws = rng.uniform(1.0, 2.0, (50, 2))
    values = {
        "draw": (("sample", "parameter"), draws), "design": (("point", "parameter"), draws[:9]),
        "shown": (("point", "number"), np.ones((9, 3))), "best": ("parameter", [1.5, 1.5]),
        "interval": (("parameter", "end"), [[1.2, 1.8]] * 2), "low": ("parameter", [1.0, 1.0]),
        "high": ("parameter", [2.0, 2.0]), "logarithmic": ("parameter", [0, 1]),
        "unit": ("parameter", [text] * 2), "target": ("statistic", np.ones(3)),
        "fitted": ("statistic", np.zeros(3)), "error": ("statistic", np.ones(3)),
    }  # fmt: skip
    names = {"parameter": [text, f"{text} 2"], "statistic": [f"{text} {k}" for k in range(3)]}
    return xr.Dataset(values, names, {"title": text, "misfit": 1.0, "freedom": 3, "p_value": 0.5})


def labelled(text):
    figure, (axes,) = page.sheet("plain", (6, 4), 1)
    axes.plot([1, 2], [1, 2], label=text)
    page.label(axes, text, text, text, legend=8)
    return figure


@pytest.mark.parametrize("text", DRAWN)
@pytest.mark.parametrize("name", figures())
def test_a_picture_sets_no_name_as_mathematics(mathematics, name, text):
    texts = drawn(figures()[name](text))
    assert not [one for one in mathematics if MARK in one]
    assert any(text in one for one, _ in texts)


FILES = earlier.today()


@pytest.mark.parametrize("text", DRAWN)
@pytest.mark.parametrize("name", ["run.nc", "array.nc", "ensemble.nc"])
def test_the_pictures_of_a_file_set_none(tmp_path, capsys, mathematics, name, text):
    """Those of the title and every name of a result, of an ensemble and of an array."""
    path = tmp_path / "a.nc"
    with xr.open_dataset(FILES / name, decode_times=False) as data:
        made = renamed(data.load(), text)
    made.attrs.pop(content.ATTRIBUTE)
    made.to_netcdf(path)
    assert main(["show", str(path), "--plot", str(tmp_path / "a.png")]) == 0, capsys.readouterr().err
    assert list(tmp_path.glob("a*.png"))
    assert not [one for one in mathematics if MARK in one]


# ------------------------------------------------------------------------------ scripts and commands


STAND_INS = """
frenkel() { printf "%s\\0" "$@"; }
module() { frenkel "$@"; }
srun() { frenkel "$@"; exit 0; }
mpiexec() { srun "$@"; }
"""


@pytest.mark.parametrize("scheduler", ["slurm", "pbs", "lsf"])
@pytest.mark.parametrize(
    "text",
    [*HOSTILE, "many", "-o", 'a"; touch ran; echo "', "a'; touch ran; '", "a\ntouch ran\n", "$(touch ran)"],
)
def test_job_scripts_run_the_command_and_nothing_else(tmp_path, scheduler, text):
    """Names of files, modules and a folder for scratch are one word each, also in what the script prints."""
    name = text.replace("/", "")
    request = jobs.Request(
        command=["run", name, "-o", name], output=Path(name), scratch=f"$HOME/{name}", modules=(name,),
    )  # fmt: skip
    script = tmp_path / "job.sh"
    script.write_text(STAND_INS + jobs.script(scheduler, request))
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/home/x", "PBS_O_WORKDIR": str(tmp_path)}
    done = subprocess.run(["bash", script], cwd=tmp_path, env=environment, capture_output=True, check=True)
    words = done.stdout.decode().split("\0")
    assert words[:2] == ["load", name] and words[words.index("run") :][:4] == ["run", name, "-o", name]
    assert words[words.index("--scratch") + 1] == f"/home/x/{name}"
    # What a user copies from its messages names the file, too.
    last = subprocess.run(
        ["bash", script], cwd=tmp_path, env=environment | {"TRY": "51"}, capture_output=True, check=False
    )  # fmt: skip
    command = last.stderr.decode().partition("look at: ")[2]
    assert shlex.split(command) == ["frenkel", "status", name]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["job.sh"]


def test_remedies_are_commands_that_can_be_copied(tmp_path):
    path = tmp_path / "my 'run' $HOME.nc"
    path.with_name(f"{path.name}.run").mkdir()
    command = re.search("`(.*)`", content.remedy(path))[1]
    assert shlex.split(command) == ["frenkel", "merge", str(path), "-o", str(path), "--force"]


# ------------------------------------------------------------------------------ one helper for each


SINKS = {
    "html.escape": "html(",
    "import escape\n": "html(",
    "shlex": "shell(",
    "<\\/": "html_json(",
    "repr(text)[1": "line(",
}
"""What only :mod:`frenkel.escape` does, and what is called instead."""


def test_nobody_else_escapes():
    root = Path(escape.__file__).resolve().parent
    files = [*root.rglob("*.py"), *(root.parent / "frenkel_studies").rglob("*.py")]
    for name in ("kinetic", "events", "array", "mpi_runs", "analysis"):
        files += (root / name).resolve().rglob("*.py")
    assert len(files) > 300
    for path in files:
        text = path.read_text()
        found = [word for word in SINKS if word in text and path.name != "escape.py"]
        assert not found, (path, found)

"""docs/review.md answers every statement of the review, by a command that works and a result that is read.

Examples run in reduced form; closed forms of what they measure are held here.
"""

import ast
import importlib
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from frenkel.cli import main as cli
from frenkel.cli.main import parser

ROOT = Path(__file__).resolve().parents[1]
for folder in ("docs", "examples", "validation"):
    sys.path.append(str(ROOT / folder))
review = importlib.import_module("review")
STATEMENTS = review.statements()
ANSWERS = {one["id"]: review.answer(one) for one in STATEMENTS}
COMMANDS = sorted({found.command for found in ANSWERS.values() if found})
OPEN = 0.1
"""Largest fraction of statements that may be open, or out of scope."""


def exists(test):
    """Return whether a file has a test of this name."""
    path, _, name = test.partition("::")
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in tree.body)


# ---------------------------------------------------------------------- the page


def test_every_statement_has_one_number_and_one_section():
    assert len({one["id"] for one in STATEMENTS}) == len(STATEMENTS) >= 100
    assert len({one["text"] for one in STATEMENTS}) == len(STATEMENTS)
    assert {one["section"] for one in STATEMENTS} == set(review.document()["sections"])


def test_verdicts_are_words_of_the_page_and_say_why():
    for one in STATEMENTS:
        assert one["verdict"] in review.VERDICTS, one["id"]
        if one["verdict"] in ("open", "out of scope"):
            assert "why" in one or "put_in" in one, one["id"]
        if one["verdict"] == "open":
            assert one["why"].startswith("Missing: "), one["id"]
        assert one["verdict"] in ("open", "out of scope") or ANSWERS[one["id"]], one["id"]


def test_few_statements_are_open_or_out_of_scope():
    count = Counter(one["verdict"] for one in STATEMENTS)
    assert count["open"] <= OPEN * len(STATEMENTS)
    assert count["out of scope"] <= OPEN * len(STATEMENTS)


def test_no_verdict_rests_on_what_the_statement_supplied():
    for one in STATEMENTS:
        assert "put_in" not in one or one["verdict"] == "out of scope", one["id"]


def test_a_verdict_is_that_of_its_source_or_says_why():
    """A row in band supports, one that is out or a contradicted claim does not, unless the page says why."""
    for one in STATEMENTS:
        found = ANSWERS[one["id"]]
        if found is None or found.ours is None or "why" in one or one["verdict"] in ("open", "out of scope"):
            continue
        assert found.ours == (one["verdict"] == "supported"), one["id"]


def test_the_page_is_what_its_script_makes():
    page = (ROOT / "docs" / "review.md").read_text(encoding="utf-8")
    assert page == review.page()
    count = Counter(one["verdict"] for one in STATEMENTS)
    numbers = [len(STATEMENTS), *(count[verdict] for verdict in review.VERDICTS)]
    assert f"| {' | '.join(map(str, numbers))} |" in page
    for verdict in review.VERDICTS:
        assert page.count(f"| **{verdict}**") == count[verdict]


def test_a_row_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="'V-99' names 0 rows of published.md, not 1"):
        review.row("published.md", "V-99")
    with pytest.raises(ValueError, match="'E-12' names 3 rows of materials.md, not 1"):
        review.row("materials.md", "E-12")


# ---------------------------------------------------------------------- the commands


def of_frenkel(words, tmp_path, capsys):
    """Parse a command, and check the configuration that it runs, without running it."""
    options = parser(words[0]).parse_args(words)
    examples = [word for word in words if word.startswith("examples/")]
    assert all((ROOT / word).is_file() for word in examples)
    if words[0] in ("run", "sweep", "tails"):
        assert cli.main(["check", str(ROOT / examples[0])]) == 0
        capsys.readouterr()
    return options


def of_python(words, tmp_path, capsys):
    """Find a script, and the rows or families that it is asked for."""
    assert (ROOT / words[0]).is_file()
    if "--rows" in words:
        assert words[words.index("--rows") + 1] in importlib.import_module("physics_rows").ROWS
    if "--families" in words:
        assert words[words.index("--families") + 1] in importlib.import_module("signatures").FAMILIES


def of_pytest(words, tmp_path, capsys):
    assert exists(words[0])


KINDS = {"frenkel": of_frenkel, "python": of_python, "pytest": of_pytest}


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_parse(command, tmp_path, capsys):
    program, *words = shlex.split(command)
    KINDS[program](words, tmp_path, capsys)


def test_a_command_that_is_wrong_is_seen(tmp_path, capsys):
    for words in (["run", "examples/switching.toml", "--outptu", "x.nc"], ["study", "everything"]):
        with pytest.raises((SystemExit, cli.UsageError, AssertionError)):
            of_frenkel(words, tmp_path, capsys)
    with pytest.raises(AssertionError):
        of_python(["validation/published_numbers.py", "--rows", "V-99"], tmp_path, capsys)
    assert not exists("tests/test_review.py::test_that_is_not_there")


def test_every_command_has_a_test_in_reduced_form():
    for one in STATEMENTS:
        if found := ANSWERS[one["id"]]:
            assert exists(found.ci), f"{one['id']}: {found.ci or 'no test'}"


def test_a_signature_is_measured_again():
    """The cheapest row of `validation/signatures.py`, as on the page."""
    rows = importlib.import_module("signatures_interfacial").SIGNATURES["I-08"]()
    found = review.row("materials.md", "I-08")
    assert [(row.id, row.ours_text) for row in rows] == [("I-08", found["ours"])] and rows[0].verdict


def test_a_published_number_is_measured_again():
    """The cheapest row of `validation/published_numbers.py` with the seeds of the page."""
    program = [
        sys.executable,
        "validation/published_numbers.py",
        "--rows",
        "V-22",
        "--seeds",
        "2",
        "--first",
        "6700",
    ]
    done = subprocess.run([*program, "--workers", "1"], cwd=ROOT, capture_output=True, text=True, check=True)
    row = next(line for line in done.stdout.splitlines() if line.startswith("| V-22 "))
    assert row.rstrip(" |").endswith("in band") and review.row("published.md", "V-22")["verdict"] == "in band"


# ---------------------------------------------------------------------- the examples


def test_example_gap_law():
    """An exponential is found exactly; in TaOx R grows with the gap as its bonds fall, within a factor."""
    gap_law = importlib.import_module("gap_law")
    gap = np.array([1e-10, 2e-10, 4e-10])
    slope, r2 = gap_law.line(gap, np.exp(3e9 * gap)[None] * np.array([[1.0], [2.0], [3.0]]))
    assert slope == pytest.approx(3e9) and r2 == pytest.approx(1.0)
    assert gap_law.line(gap, np.array([[1.0, 10.0, 1.0]]))[1] < 0.2
    gap, resistance = gap_law.resistances("TaOx", devices=2)
    assert resistance.shape == (2, len(gap)) and np.all(np.diff(resistance) > 0)
    _, disordered = gap_law.resistances("HfO2", devices=2)
    assert np.all(disordered[0] != disordered[1])  # bonds of this set differ from device to device
    assert 3e9 < gap_law.line(gap, resistance)[0] < 9e9
    assert {name for names in gap_law.SETS.values() for name in names} >= {"HfO2", "Ag-SiO2", "PPMAz"}


def test_example_rejection():
    """Pairs reject 10 log10((m^2 + s^2) / 2 s^2), equal cells all; full weights scale with the supply."""
    rejection = importlib.import_module("rejection")
    rng = np.random.default_rng(1)
    one, other = 3.0 + rng.standard_normal((2, 20_000))
    value, low, high = rejection.rejection(one, one - other)
    assert value == pytest.approx(10 * np.log10((9 + 1) / 2), abs=0.15) and low < value < high
    assert rejection.rejection(one[:50], one[:50] * 0)[0] == np.inf
    found = rejection.states(devices=3)
    nominal, high_supply, _ = found["lrs"].T
    np.testing.assert_allclose(high_supply, 1.1 * nominal, rtol=1e-6)  # a whole filament is ohmic
    assert np.all(found["hrs"][:, 1] > 1.1 * found["hrs"][:, 0])  # a gap is not
    assert np.all(found["hrs"][:, 2] > found["hrs"][:, 0])  # and conducts better warm
    errors = rejection.errors(found)
    scaled = (nominal - np.roll(found["hrs"][:, 0], 1)) / (np.median(nominal) - np.median(found["hrs"][:, 0]))
    np.testing.assert_allclose(errors["supply", "1", "pair"], 0.1 * scaled, rtol=0.05)
    assert set(rejection.words(errors)) == {"supply", "temperature"}


def test_a_pair_cancels_no_odd_nonlinearity():
    """I = G f(V) of both cells: the difference is (G+ - G-) f(V), as nonlinear as one cell, exact."""
    voltage = np.linspace(-1, 1, 11)
    law = np.sinh(voltage / 0.3)
    plus, minus = 3e-6 * law, 1e-6 * law
    np.testing.assert_allclose((plus - minus) / (plus - minus)[-1], law / law[-1], rtol=1e-12)


def test_example_write_schemes():
    """Amplitudes by distance take fewer pulses than equal steps; watched reads are wrong less often."""
    write_schemes = importlib.import_module("write_schemes")
    response = np.geomspace(1e-5, 1e-7, len(write_schemes.AMPLITUDES))
    scheme = write_schemes.ByDistance(width=1e-7, response=response)
    assert scheme.needed(1e-6) == pytest.approx(1.0)  # half-way in the logarithm
    assert scheme.amplitude(None, 1e-5, 1e-6) == pytest.approx(1.0)
    assert scheme.amplitude(1.0, 1e-5, 1e-6) == pytest.approx(1.4)  # as far again, at the largest amplitude
    assert write_schemes.Growing(width=1e-7).amplitude(0.7, 1e-5, 1e-6) == pytest.approx(0.75)
    written = write_schemes.compare(lines=4)
    (steps, _, _), (distance, reached, _) = written["equal steps"], written["by distance"]
    assert len(steps) == 32 and distance.mean() < steps.mean() and reached.mean() > 0.8
    plain, none, _ = write_schemes.disturb(False, rounds=20, lines=4, voltage=0.8)
    kept, repairs, after = write_schemes.disturb(True, rounds=20, lines=4, voltage=0.8)
    assert none == 0 and plain[-1] > 0 and kept[-1] <= plain[-1] and repairs > 0
    assert after.reads == 21 * 4 + repairs and after.pulses == repairs


def test_example_dendrites():
    """A wire has dimension 1, a sheet 2, a cube 3; a wire has no branch, a cross two."""
    dendrites = importlib.import_module("dendrites")
    box = np.indices((16, 16, 16)).reshape(3, -1).T
    wire = box[(box[:, 0] == 8) & (box[:, 1] == 8)]
    assert dendrites.dimension(wire) == pytest.approx(1.0)
    assert dendrites.dimension(box[box[:, 0] == 8]) == pytest.approx(2.0)
    assert dendrites.dimension(box) == pytest.approx(3.0)
    cross = np.concatenate([wire, [(8 + k, 8, 8) for k in (1, 2, 3, -1, -2, -3)]])
    assert (dendrites.branches(wire), dendrites.branches(cross)) == (0, 2)
    metal = np.zeros((6, 6, 6), bool)
    metal[2, 2, :3] = metal[2, 2, 5] = metal[3, 2, 5] = True
    growth = dendrites.Growth(metal, np.arange(1.0, 7.0), 0.0)
    assert (dendrites.front(metal), dendrites.clusters(metal), dendrites.longest_jump(growth)) == (3, 2, 3.0)
    assert dendrites.speedup(np.array([1.0, 2.0, 2.5, 3.0])) == pytest.approx(2.0)
    grown = dendrites.grow("Ag-SiO2", 1, voltage=3.0, layers=6, guided=False, budget=2000)
    assert grown.conductance > dendrites.JOINED and dendrites.front(grown.metal) == 6
    assert np.all(np.diff(grown.times) >= 0)


def test_example_radiation():
    """Numbers of vacancies are Poisson of the closed form and add up; a fluence lowers HRS, and LRS less."""
    radiation = importlib.import_module("radiation")
    assert radiation.expected(2e13, 1e-9, 1e-9, 2.6e-10) == pytest.approx(
        0.2 * 1e-9 * radiation.vacancies_per_length(2.6e-10)
    )
    assert (
        radiation.nuclear_stopping(radiation.TANTALUM) > radiation.nuclear_stopping(radiation.OXYGEN_ATOM) > 0
    )
    high, low = (np.array([radiation.irradiated(gap, 1)]) for gap in (radiation.GAP, 0))
    assert high.shape == (1, len(radiation.FLUENCES) + 1) and high[0, 0] > 10 * low[0, 0]
    assert high[0, -1] < 0.1 * high[0, 0] and low[0, -1] > 0.1 * low[0, 0]
    found = {"HRS": high, "LRS": low}
    assert radiation.lost(found)[0] == 0 and radiation.lost(found)[-1] == 1
    assert set(radiation.words(found)) == {"states"}

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

from frenkel.analysis.reliability.linearity import nonlinearity
from frenkel.cli import main as cli
from frenkel.cli.main import parser
from frenkel.units import BOLTZMANN_EV

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


def test_few_statements_are_open_or_out_of_scope():
    count = Counter(review.verdict(one) for one in STATEMENTS)
    assert count["open"] <= OPEN * len(STATEMENTS)
    assert count["out of scope"] <= OPEN * len(STATEMENTS)


SIGNATURE = {"id": "9-1", "signature": "I-08"}  # in band


@pytest.mark.parametrize(
    ("keys", "wanted"),
    [
        ({}, "supported"),
        ({"signature": "S2D-03"}, "contradicted"),
        ({"signature": "I-08; S2D-03"}, "contradicted"),
        ({"put_in": "a number"}, "out of scope"),
        ({"why": "Missing: a number."}, "open"),
        ({"verdict": "contradicted", "why": "It asks another question."}, "contradicted"),
    ],
)
def test_a_verdict_follows_from_the_keys_of_a_statement(keys, wanted):
    assert review.verdict(SIGNATURE | keys) == wanted


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"verdict": "supported"}, "leave it out"),
        ({"verdict": "contradicted"}, "needs a why"),
        ({"verdict": "supported", "put_in": "a number"}, "must be out of scope by its keys"),
        ({"verdict": "supported", "why": "Missing: a number."}, "must be open by its keys"),
        ({"verdict": "open", "why": "It is not known."}, "must say what is missing"),
        ({"verdict": "true"}, "must be one of"),
        ({"signature": "R-04LRS"}, "must be one of .* got None"),
    ],
)
def test_a_verdict_against_the_keys_of_a_statement_is_refused(keys, message):
    with pytest.raises(ValueError, match=message):
        review.verdict(SIGNATURE | keys)
    with pytest.raises(ValueError, match="nothing that answers it"):
        review.verdict({"id": "9-2", "verdict": "supported"})


def test_no_verdict_rests_on_a_row_that_was_fitted():
    """Rows whose page says so decide only with a reason."""
    fitted = ("V-01", "V-15", "V-25s", "V-25r", "V-25w", "V-25h")
    page = " ".join((ROOT / "docs" / "published.md").read_text(encoding="utf-8").split())
    assert f"{', '.join(fitted[:-1])} and {fitted[-1]} are fitted" in page
    for one in STATEMENTS:
        parts = one["signature"].split(";") if "signature" in one else []
        rows = [review.row("materials.md", part.strip(" !")) for part in parts]
        said = " ".join(row["remarks"] + row["source"] for row in rows)
        used = one.get("physics") in fitted or "fitted" in said or "tuned" in said
        decided = review.verdict(one) in ("supported", "contradicted")
        assert not (used and decided) or "why" in one, one["id"]


def test_the_page_is_what_its_script_makes():
    page = (ROOT / "docs" / "review.md").read_text(encoding="utf-8")
    assert page == review.page()
    count = Counter(review.verdict(one) for one in STATEMENTS)
    numbers = [len(STATEMENTS), *(count[verdict] for verdict in review.VERDICTS)]
    assert f"| {' | '.join(map(str, numbers))} |" in page
    for verdict in review.VERDICTS:
        assert page.count(f"| **{verdict}**") == count[verdict]


def test_each_example_has_its_figure_on_the_page():
    page = (ROOT / "docs" / "review.md").read_text(encoding="utf-8")
    assert {path.stem for path in (ROOT / "docs" / "review").iterdir()} == set(review.EXAMPLES)
    for name in review.EXAMPLES:
        assert f"![{name}](review/{name}.png)" in page and (ROOT / "examples" / f"{name}.py").is_file()
    assert set(review.recorded()["examples"]) == set(review.EXAMPLES)


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
    _, disordered = gap_law.resistances("HfO2-fast", devices=2)
    assert np.all(disordered[0] != disordered[1])  # bonds of this set differ from device to device
    assert 3e9 < gap_law.line(gap, resistance)[0] < 9e9
    assert {name for names in gap_law.SETS.values() for name in names} >= {"HfO2-fast", "Ag-SiO2", "PPMAz"}


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


def test_a_core_is_linear_where_a_gap_is_not():
    """Conductance A / (rho L) of a core that widens by equal steps, and exp(-d / 0.3 nm) of a gap of 1 nm."""
    steps = np.linspace(0.0, 1.0, 51)
    assert nonlinearity(1e-6 + 1e-6 * steps) == pytest.approx(0.0, abs=1e-9)
    assert abs(nonlinearity(np.exp(steps / 0.3))) > 3.5


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
    written = write_schemes.compare(lines=2)
    (steps, _, _), (distance, reached, _) = written["equal steps"], written["by distance"]
    assert len(steps) == 16 and distance.mean() < steps.mean() and reached.mean() > 0.8
    plain, none, _ = write_schemes.disturb(False, rounds=8, lines=4, voltage=0.8)
    kept, repairs, after = write_schemes.disturb(True, rounds=8, lines=4, voltage=0.8)
    assert none == 0 and plain[-1] > 0 and kept[-1] <= plain[-1] and repairs > 0
    assert after.reads == 9 * 4 + repairs and after.pulses == repairs


def test_example_time_readout():
    """Lines left alone fall as exp(-t sum G / C) and take (1 - exp(-x)) / x of the energy of held ones."""
    time_readout = importlib.import_module("time_readout")
    weights = np.array([[5, 0], [3, 15], [10, 6]])
    read = {}
    for held in (False, True):
        one = time_readout.written(1, weights)
        readout = time_readout.Readout(one, held, 0.2, 1e-12, np.random.default_rng(1))
        read[held] = time_readout.run(one, readout.sums(np.array([True, False, True]))), readout.energy
        bits = np.array([[1, 0, 1, 0, 0, 0, 0, 0], [0, 1, 0, 1, 0, 1, 1, 0]])
        assert np.corrcoef(read[held][0], bits.sum(axis=0))[0, 1] > 0.9
        assert one.clock.seconds > 2 * time_readout.WIDTH
    sums = read[True][0]
    np.testing.assert_allclose(read[False][0], sums, atol=1.1 * time_readout.DEPTH / time_readout.STEPS)
    assert read[False][1] / read[True][1] == pytest.approx(np.sum(-np.expm1(-sums)) / np.sum(sums), rel=0.05)
    found = {way: time_readout.multiply(way == "held", 2) for way in time_readout.WAYS}
    full = time_readout.WORD_LINES * (2**time_readout.BITS - 1) ** 2
    assert all(np.abs(one["error"]).max() < 0.05 * full for one in found.values())
    assert found["in time"]["energy"] < found["held"]["energy"]
    lost = [time_readout.disturb(held, rounds=2, volts=0.9)[-1] for held in (False, True)]
    assert lost[0] < lost[1]


def test_example_self_rectifying():
    """Odd bonds rectify nothing; a contact does where its zone is wide: both ratios grow with the film."""
    self_rectifying = importlib.import_module("self_rectifying")
    law = self_rectifying.channel(0.8, 2.6e-10)
    slope = 2.6e-10 * np.pi / 1.054571817e-34 * np.sqrt(9.1093837e-31 / (2 * 0.8 * 1.602176634e-19))
    assert law == pytest.approx(7.748091729e-5 / (1 + np.exp(slope * 0.8 * 1.602176634e-19)), rel=1e-6)
    found = self_rectifying.measure(devices=2, layers=(8, 16))
    on_off = {name: self_rectifying.on_off(one) for name, one in found.items()}
    ratio = {name: self_rectifying.rectification(one) for name, one in found.items()}
    np.testing.assert_allclose(ratio["HfO2-fast, no barrier"], 1.0, rtol=1e-9)
    np.testing.assert_allclose(ratio["Nb2O5, no barrier"], 1.0, rtol=1e-9)
    np.testing.assert_allclose(on_off["Nb2O5, no barrier"], 1.0, rtol=1e-9)
    assert np.all(ratio["HfO2-fast, barrier"] > 1)
    assert np.all(on_off["HfO2-fast, barrier"] < on_off["HfO2-fast, no barrier"])
    assert np.all(ratio["Nb2O5, 4.8 nm"] > 10) and np.all(on_off["Nb2O5, 4.8 nm"] > 10)
    assert np.all(ratio["Nb2O5, 2.4 nm"] < 1) and np.all(on_off["Nb2O5, 2.4 nm"] > 5)


def test_example_light():
    """Light brings more hops of iodide until SET; a SET time is the ratio that it is made of."""
    light = importlib.import_module("light")
    rows = {0.0: [light.Seen(2e-4, 0), light.Seen(1e-4, 0)], 3e19: [light.Seen(1e-4, 9), light.Seen(5e-5, 9)]}
    assert light.ratio(rows, 3e19) == pytest.approx((0.5, 0.5, 0.5))
    found = light.measure(devices=3, fluxes=(0.0, 3e19))
    dark, bright = (np.array([one.hops for one in row]) for row in found.values())
    assert dark.sum() < bright.sum() / 10 and all(0 < one.time < light.LONGEST for one in found[3e19])
    assert set(light.words(found)) == {"light"}


def test_example_update_trains():
    """Labels of a line and of a jump; errors by leaving one out; growing pulses act at the end of a way."""
    trains = importlib.import_module("update_trains")
    line, jump = np.linspace(1.0, 2.0, 11), np.array([1.0] + 10 * [2.0])
    assert trains.labels(np.array([[line, line[::-1]]])) == pytest.approx([0, 0], abs=1e-12)
    curves = np.array([[line, jump], [line, line], [line, jump]])
    label, error = trains.estimate(curves)
    assert label == pytest.approx([0, 6]) and error == pytest.approx([0, np.sqrt(2 * np.var([4.5, 9, 4.5]))])
    found = trains.measure(devices=2, pulses=12)
    assert all(curves.shape == (2, 2, 13) for curves in found.values())
    np.testing.assert_array_equal(*(curves[:, 0, 0] for curves in (found[0.0], found[0.6])))
    steps = np.abs(np.diff(found[0.6].mean(axis=0), axis=1))
    assert steps[:, :6].sum() < steps[:, 6:].sum() / 2 and set(trains.words(found)) == {"labels"}


def test_example_flat_minima():
    """Directions are as long as the weights of each neuron, and a factor on a layer makes nothing flat."""
    flat_minima = importlib.import_module("flat_minima")
    random = np.random.default_rng(1)
    network = flat_minima.Perceptron.start((5, 4, 3), 2, random)
    for step, w in zip(flat_minima.direction(network, random), network.weights, strict=True):
        np.testing.assert_allclose(np.linalg.norm(step, axis=-2), np.linalg.norm(w, axis=-2))
    images = flat_minima.Samples(random.random((2, 6, 5)), random.integers(3, size=(2, 6)))
    scaled = network.having([3 * network.weights[0], network.weights[1] / 3], network.biases)
    loss, right = flat_minima.along(network, images, 2)
    np.testing.assert_allclose(flat_minima.along(scaled, images, 2)[0], loss)
    assert loss.shape == (len(flat_minima.DISTANCES), 2) and np.all((right >= 0) & (right <= 1))
    certain = np.array([[[50.0, 0.0, 0.0]]])
    assert flat_minima.cross_entropy(certain, np.array([[0]])) == pytest.approx(0)
    assert flat_minima.cross_entropy(0 * certain, np.array([[0]])) == pytest.approx(np.log(3))
    found = flat_minima.measure(networks=2, steps=4, directions=2)
    assert set(found) == {"robust teachers", "plain", "noise-aware"}
    assert set(flat_minima.words(found)) == {"loss"}


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


def test_example_ordered_rows():
    """Columns follow the law of a chain, hops keep it, and a row that binds outlives one that does not."""
    rows = importlib.import_module("ordered_rows")
    for binding in (0.0, 0.3):
        law = rows.column_law(binding)
        assert law @ rows.PATTERNS.sum(axis=1) == pytest.approx(rows.FILLING * rows.LAYERS)
    assert rows.column_law(0.0)[-1] == pytest.approx(rows.FILLING**rows.LAYERS)
    binding, pairs = 0.1, []
    box = rows.gas(rows.arrangement(binding, np.random.default_rng(1)), binding, 1)
    count = box.engine.species.sum()
    for _ in range(60):
        box.hold(60 / box.rates().sum())
        vacant = np.asarray(box.engine.species).reshape(rows.SIDE**2, rows.LAYERS)
        pairs.append((vacant[:, 1:] * vacant[:, :-1]).sum() / count)
    vacant = rows.PATTERNS[:, 1:] * rows.PATTERNS[:, :-1]
    expected = rows.column_law(binding) @ vacant.sum(axis=1) / (rows.FILLING * rows.LAYERS)
    assert np.mean(pairs) == pytest.approx(expected, abs=0.12) and expected > 0.3
    whole = np.zeros((rows.SIDE**2, rows.LAYERS), np.int8)
    whole[0] = 1
    short = whole.copy()
    short[0, 3] = 0
    assert rows.conductance(whole) > 8 * rows.conductance(short)
    loose, bound = (np.median([rows.follow(energy, k).row for k in (1, 2, 3)]) for energy in (0.0, 0.15))
    assert loose < 5 * rows.stay() and bound > 10 * rows.stay()
    flow = rows.currents(0.3, 6)
    assert np.all(flow[:, 1] <= flow[:, 0] * (1 + 1e-9)) and 0 < rows.carried(flow)[0] < 1


def test_example_self_healing():
    """Bonds close and open in the ratio exp(D / kT); cells conduct again with repair and never without."""
    healing = importlib.import_module("self_healing")
    device = healing.cell(1, heals=True)
    healing.cut(device)
    table = device.transitions()
    closing = table[table["energy"] == -healing.GAIN]
    assert len(closing) == healing.SIDE**2 and closing["rate"] == pytest.approx(healing.RATE)
    device.fire(int(np.flatnonzero(table["energy"] == -healing.GAIN)[0]))
    opening = device.transitions()
    ratio = np.exp(healing.GAIN / (BOLTZMANN_EV * healing.TEMPERATURE))
    assert opening["rate"][opening["energy"] == healing.GAIN].min() == pytest.approx(healing.RATE / ratio)
    found = np.array([healing.healed(seed, 0.1, heals=True) for seed in range(1, 7)])
    control = np.array([healing.healed(seed, 0.1, heals=False) for seed in range(1, 4)])
    assert np.all(found[:, 1] < 0.1 * found[:, 0]) and healing.conducts(found).sum() >= 2
    assert not healing.conducts(control).any() and np.all(control[:, 3] == 0)
    assert found[:, 3].mean() == pytest.approx(1 - np.exp(-0.1), abs=0.05)


def test_example_drift_exponent():
    """A power law gives its exponent back; vacancies leave the contact, faster from a higher level."""
    drift = importlib.import_module("drift_exponent")
    exact = 1e-9 * np.append(1.0, drift.TIMES**-0.05)[None, None] * np.array([1.0, 2.0])[None, :, None]
    np.testing.assert_allclose(drift.exponents(exact), 0.05)
    found = np.array([[drift.drift(seed, pulses) for seed in range(1, 4)] for pulses in (0, 8)])
    low, high = drift.exponents(found).mean(axis=1)
    assert 0 < low < high < 1 and np.all(found[1, :, 0] > found[0, :, 0])
    assert np.all(found[:, :, -1] < 0.7 * found[:, :, 0])

"""Write docs/review.md: what simulations answer to each statement of the review of the field.

    python docs/review.py [--studies FOLDER] [--examples]

Statements, the source of each result, and verdicts are in docs/review.toml. Results are read from committed
tables and files. --studies takes the claims of `frenkel study all -o FOLDER` into docs/review.json,
--examples runs the scripts of examples/, takes what they say and draws docs/review/*.png, five minutes on
one core.
"""

import argparse
import ast
import importlib
import json
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from tables import half_life

from frenkel import provenance
from frenkel.cells import files
from frenkel.cells.card import Card
from frenkel.data import content, kinds
from frenkel.kinetic.materials.material import Material
from frenkel.reports.card import spread

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
STATEMENTS = DOCS / "review.toml"
RECORDED = DOCS / "review.json"
PICTURES = DOCS / "review"
EXAMPLES = (
    "gap_law", "rejection", "write_schemes", "time_readout", "dendrites", "self_rectifying", "light",
    "ordered_rows", "self_healing", "drift_exponent", "update_trains", "flat_minima", "radiation",
)  # fmt: skip
"""Scripts in the folder of examples that ``measure``, say it in ``words`` and ``draw`` it."""

VERDICTS = ("supported", "contradicted", "open", "out of scope")
TEST = "tests/test_review.py"
CI = {
    "signature": f"{TEST}::test_a_signature_is_measured_again",
    "physics": f"{TEST}::test_a_published_number_is_measured_again",
    "claim": "tests/studies/test_runner.py::test_every_study_at_reduced_size",
    "card": "tests/cells/test_packaged.py::test_card_belongs_to_the_ensemble",
    "retention": "tests/kinetic/materials/test_high_states.py::test_every_set_is_measured",
    "cycle": "tests/kinetic/materials/test_high_states.py::test_every_set_is_measured",
}
"""Test that runs the commands of a source in reduced form, where a statement names none."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a source says.

    Attributes
    ----------
    result : str
        With its interval, where it has one.
    command : str
        That makes it.
    ci : str
        Test that runs the command in reduced form.
    ours : bool or None
        Whether the source itself counts it as met; None where it does not say.
    """

    result: str
    command: str
    ci: str
    ours: bool | None = None


def table_rows(page: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of the tables of a page with columns "row" and "quantity", by their heads."""
    heads: list[str] = []
    for line in page.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.replace("\\|", "¦").strip("|").split("|")]
        if not line.startswith("|"):
            heads = []
        elif not heads:
            heads = cells
        elif {"row", "quantity"} <= set(heads) and len(cells) == len(heads):
            yield dict(zip(heads, cells, strict=True))


@cache
def measured(page: str) -> dict[tuple[str, str], dict[str, str]]:
    """Return the rows of a page by id and quantity."""
    return {(row["row"], row["quantity"]): row for row in table_rows(DOCS / page)}


def row(page: str, name: str) -> dict[str, str]:
    """Return the one row of an id, and of a quantity that starts as `name` says after "|"."""
    own, _, start = (part.strip() for part in name.partition("|"))
    rows = [
        found
        for (one, quantity), found in measured(page).items()
        if one == own and quantity.startswith(start)
    ]
    if len(rows) != 1:
        raise ValueError(f"{name!r} names {len(rows)} rows of {page}, not 1")
    return rows[0]


def in_table(page: str, name: str) -> tuple[str, bool | None]:
    """Return quantity, ours and what is published of a row, remarks too after "!", and its verdict."""
    found = row(page, name.removesuffix("!"))
    text = f"{found['quantity']}: {found['ours']} (published: {found['published']})"
    if name.endswith("!"):
        text += f". {found['remarks']}"
    return text.replace("¦", "\\|"), {"in band": True, "info": None}.get(found["verdict"], False)


def signature(name: str) -> Answer:
    """Return a row of the signatures of all families."""
    text, ours = in_table("materials.md", name)
    program = (
        f"python validation/signatures.py --families {row('materials.md', name.removesuffix('!'))['family']}"
    )
    return Answer(text, program, CI["signature"], ours)


def physics(name: str) -> Answer:
    """Return a row of the published numbers of HfO2."""
    text, ours = in_table("published.md", name)
    program = f"python validation/published_numbers.py --rows {name} --seeds 12 --first 6700"
    return Answer(text, program, CI["physics"], ours)


@cache
def recorded() -> dict[str, Any]:
    """Return what studies and examples said."""
    return dict(json.loads(RECORDED.read_text(encoding="utf-8")))


def claim(name: str) -> Answer:
    """Return what a study says of a sentence."""
    found = recorded()["claims"][name]
    ours = {"supports": True, "contradicts": False, "corrects": False}.get(found["verdict"])
    return Answer(
        f"{found['verdict']}: {found['ours']}", f"frenkel study {found['study']}", CI["claim"], ours
    )


def example(name: str) -> Answer:
    """Return what a script of the examples said, by "NAME KEY"."""
    script, key = name.split()
    text = recorded()["examples"][script]["answers"][key]
    return Answer(text, f"python examples/{script}.py", f"{TEST}::test_example_{script}")


@cache
def card(name: str) -> Answer:
    """Return middle and spread of a feature of a packaged card, or HRS/LRS, by "CARD FEATURE"."""
    own, wanted = name.split()
    data = Card.load(files.file(own))
    mean, count = data.weights @ data.means, len(data.features)
    middle = {one.name: float(one.backward(mean[[k]])[0]) for k, one in enumerate(data.features)}
    if wanted == "window":
        text = f"{own}: HRS/LRS {middle['hrs'] / middle['lrs']:.3g} in the middle"
    else:
        k = list(middle).index(wanted)
        within = spread(data, k, mean[[k, count + k]])
        text = (
            f"{own}: {wanted} {middle[wanted]:.3g} {data.features[k].unit}, spread within a device {within}"
        )
    return Answer(text, f"frenkel show {own}", CI["card"])


@cache
def retention(name: str) -> Answer:
    """Return the median time to half of G, by "SET KELVIN"."""
    own, kelvin = name.split()
    states = json.loads((DOCS / "retention.json").read_text(encoding="utf-8"))[own]["states"]
    text = "; ".join(
        f"half of G after {half_life(state[kelvin])} s ({state['devices'] - state['missed']} devices, "
        f"{state['text'].split(',')[0]})"
        for state in states
        if state["devices"] > state["missed"]
    )
    return Answer(f"{own} at {kelvin} K: {text}", "python docs/retention.py", CI["retention"])


CYCLE: dict[str, Callable[[dict[str, Any]], str]] = {
    "window": lambda one: f"HRS/LRS {one['high'][0] / one['low'][0]:.2g} at 0.1 V",
    "curvature": lambda one: f"R(0.1 V)/R(0.5 V) of HRS {one['high'][0] / one['high'][1]:.2f}",
    "low curvature": lambda one: f"R(0.1 V)/R(0.5 V) of LRS {one['low'][0] / one['low'][1]:.2f}",
    "low": lambda one: f"LRS {one['low'][0]:.2g} ohm",
    "hottest": lambda one: f"hottest event at {one['hottest']:.0f} K, electrodes at 300 K",
}


@cache
def cycle(name: str) -> Answer:
    """Return a quantity of one cycle of a set, by "SET QUANTITY"."""
    own, _, quantity = name.partition(" ")
    found = json.loads((DOCS / "high_states.json").read_text(encoding="utf-8"))[own]
    stale = ", of earlier numbers" if found["key"][0] != Material.load(own).hash else ""
    return Answer(f"{own}: {CYCLE[quantity](found)}{stale}", "python docs/high_states.py", CI["cycle"])


def run(found: dict[str, Any]) -> Answer:
    """Return a number of a named run."""
    text = f"{found['result']} (seed {found['seed']}, {found['date']})"
    return Answer(text, found["command"], "")


SOURCES: dict[str, Callable[[str], Answer]] = {
    "signature": signature, "physics": physics, "claim": claim, "example": example, "card": card,
    "retention": retention, "cycle": cycle,
}  # fmt: skip


def met(parts: list[Answer]) -> bool | None:
    """Return whether all parts count as met; None where one does not say and none is missed."""
    verdicts = [part.ours for part in parts]
    if False in verdicts:
        return False
    return None if None in verdicts else True


def answer(statement: dict[str, Any]) -> Answer | None:
    """Return what answers a statement; None where nothing does."""
    source = [name for name in (*SOURCES, "test", "run") if name in statement]
    if len(source) > 1:
        raise ValueError(f"{statement['id']} has several sources: {', '.join(source)}")
    if not source:
        return None
    if source == ["test"]:
        found = Answer(statement["says"], f"pytest {statement['test']}", statement["test"])
    elif source == ["run"]:
        found = run(statement["run"])
    else:
        parts = [SOURCES[source[0]](name.strip()) for name in statement[source[0]].split(";")]
        found = replace(parts[0], result="; ".join(part.result for part in parts), ours=met(parts))
    command, ci = statement.get("command", found.command), statement.get("ci", found.ci)
    return Answer(found.result, command, ci, found.ours)


def implied(statement: dict[str, Any]) -> str | None:
    """Return the verdict that follows from a statement's keys and its source; None where none follows."""
    if "put_in" in statement:
        return "out of scope"
    if statement.get("why", "").startswith("Missing: "):
        return "open"
    found = answer(statement)
    if found is None or found.ours is None:
        return None
    return "supported" if found.ours else "contradicted"


def verdict(statement: dict[str, Any]) -> str:
    """Return the verdict of a statement: the implied one, or another one that the file gives with its reason.

    Raises
    ------
    ValueError
        No verdict, an unknown one, or one that needs a reason or an answer and has none.
    """
    own, name = implied(statement), statement["id"]
    chosen = statement.get("verdict", own)
    if chosen not in VERDICTS:
        raise ValueError(f"verdict of {name} must be one of {', '.join(VERDICTS)}, got {chosen}")
    if statement.get("verdict") == own:
        raise ValueError(f"{name} gives the verdict {own}, which follows from its keys: leave it out")
    if "verdict" in statement and own in ("out of scope", "open"):
        raise ValueError(f"verdict of {name} must be {own} by its keys, got {chosen}")
    if "verdict" in statement and (own or chosen == "out of scope") and "why" not in statement:
        raise ValueError(f"{name} needs a why: its source says {own}, the file {chosen}")
    if chosen == "open" and own != "open":
        raise ValueError(f"{name} is open: its why must say what is missing, after 'Missing: '")
    if chosen in ("supported", "contradicted") and answer(statement) is None:
        raise ValueError(f"{name} is {chosen} and has nothing that answers it")
    return str(chosen)


@cache
def document() -> dict[str, Any]:
    """Return docs/review.toml."""
    return tomllib.loads(STATEMENTS.read_text(encoding="utf-8"))


def statements() -> list[dict[str, Any]]:
    """Return all statements; the section of one is that of its id unless it names another."""
    return [{"section": one["id"].rpartition("-")[0]} | one for one in document()["statement"]]


def page() -> str:
    """Return the page."""
    rows = statements()
    count = Counter(verdict(one) for one in rows)
    lines = [
        "# The review, statement by statement",
        "",
        "Statements of the review that this project implements, in our words, by section (T1, T2: tables).",
        "A verdict compares a statement with the result beside it. A number that the statement supplied",
        "decides nothing: the verdict is then out of scope. `python docs/review.py`",
        "writes this page.",
        "",
        "| statements | " + " | ".join(VERDICTS) + " |",
        "|---" * 5 + "|",
        f"| {len(rows)} | " + " | ".join(str(count[name]) for name in VERDICTS) + " |",
    ]
    for section, title in document()["sections"].items():
        lines += [
            "",
            f"## {section} {title}",
            "",
            "| | statement | answered by | result | verdict |",
            "|---" * 5 + "|",
        ]
        lines += [line(one) for one in rows if one["section"] == section]
    lines += ["", "## Figures"]
    for name in EXAMPLES:
        title = f"`examples/{name}.py`: {caption(name)}"
        lines += ["", f"| {title} |", "|---|", f"| ![{name}](review/{name}.png) |"]
    return "\n".join([*lines, ""])


def caption(name: str) -> str:
    """Return the first line of a script of the examples."""
    tree = ast.parse((ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").splitlines()[0]


def line(statement: dict[str, Any]) -> str:
    """Return the row of a statement."""
    found = answer(statement)
    remarks = [f"put in: {statement['put_in']}"] if "put_in" in statement else []
    remarks += [statement["why"].rstrip(".")] if "why" in statement else []
    judged = f"**{verdict(statement)}**" + (f": {'; '.join(remarks)}" if remarks else "")
    command, result = (f"`{found.command}`", found.result.rstrip(".")) if found else ("", "")
    return f"| {statement['id']} | {statement['text'].rstrip('.')} | {command} | {result} | {judged} |"


def record_studies(folder: Path) -> dict[str, Any]:
    """Return the claims of the studies in a folder, with what made them."""
    from frenkel_studies import STUDIES
    from frenkel_studies.runner import file_of, study

    claims = {}
    for name in STUDIES:
        source = file_of(name, folder)
        content.check(source)
        data = kinds.load(source)
        settings = provenance.read(data.attrs.get("provenance"), name)["configuration"]
        made = {"study": name, "seed": settings["seed"], "date": time.strftime("%Y-%m-%d")}
        for one in study(name).claims(data):
            claims[one.id] = {"verdict": one.verdict, "ours": one.ours, **made}
    return claims


def record_example(name: str) -> dict[str, Any]:
    """Return what a script of the examples says, and draw its figure."""
    from PIL import Image

    sys.path.insert(0, str(ROOT / "examples"))
    script = importlib.import_module(name)
    found = script.measure()
    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder) / "drawn.png"
        script.draw(found, str(drawn))
        Image.open(drawn).convert("RGB").save(PICTURES / f"{name}.png", optimize=True)
    return {"answers": script.words(found), "seed": script.SEED, "date": time.strftime("%Y-%m-%d")}


def main() -> None:
    """Read the command line, record what is asked for, and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=Path, metavar="FOLDER", help="take claims of these datasets")
    parser.add_argument(
        "--examples", nargs="*", choices=EXAMPLES, metavar="NAME", help="run these scripts, or all"
    )
    options = parser.parse_args()
    kept = (
        json.loads(RECORDED.read_text(encoding="utf-8"))
        if RECORDED.exists()
        else {"claims": {}, "examples": {}}
    )
    if options.studies:
        kept["claims"] = record_studies(options.studies)
    if options.examples is not None:
        for name in options.examples or EXAMPLES:
            kept["examples"][name] = record_example(name)
    RECORDED.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (DOCS / "review.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()

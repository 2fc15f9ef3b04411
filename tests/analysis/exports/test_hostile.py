"""Cards of strangers: text that would run elsewhere is refused on load, and quoted in every export."""

import ast
import io
import re
import tokenize
import warnings
from dataclasses import replace

import numpy as np
import pytest
from made_up_core import CARD
from made_up_noise import RELAXATION, RTN

from frenkel.analysis.exports import cards as card_exports
from frenkel.analysis.exports.templates import fill
from frenkel.cells.card import Card, CardError, CardWarning, checksum

HOSTILE = (
    'a"""\nimport os; os.system("touch ran")\n"""',
    "a\n.control\nshell touch ran\n.endc\n.end",
    "a\r\n`include \"ran\"\nmodule x; endmodule //'''\\",
    "a\x85b\u2028.control\x1b[2J\x00",
    "ends in a backslash \\",
)
NOISY = replace(CARD, rtn_law=RTN, relaxation_law=RELAXATION)


def texts(data, place=()):
    """Yield the place of every text in JSON data, keys of free dictionaries included."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from texts(value, (*place, key))
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from texts(value, (*place, i))
    elif isinstance(data, str):
        yield place


def whole():
    """Return the data of a card that has every layer, a gate and intervals."""
    gate = {"statistic": "pooled KS", "value": 0.1, "floor": 0.1, "limit": 0.2, "passed": True}
    made = {"noise": {"rtn": {"file": "a.nc", "material": "HfO2-volatile"}}}
    return replace(NOISY, gate=(gate,), intervals={"weight 1": (0.0, 1.0)}, provenance=made).to_dict()


PLACES = [place for place in texts(whole()) if place != ("checksum",)]


def signed(data):
    """Return data with their checksum."""
    data.pop("checksum", None)
    return data | {"checksum": checksum(data)}


def test_every_text_field_is_found():
    last = {place[-1] for place in PLACES}
    assert last == {
        "kind",
        "schema",
        "name",
        "version",
        "unit",
        "transform",
        "scale",
        "statistic",
        "file",
        "material",
    }
    Card.from_dict(whole())


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
@pytest.mark.parametrize("text", [*HOSTILE, "x" * 300, ""])
def test_hostile_text_is_refused_on_load(place, text):
    data = whole()
    inner = data
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = text
    with pytest.raises(CardError) as refused:
        Card.from_dict(signed(data))
    assert len(str(refused.value)) < 1000 and str(refused.value).isprintable()


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("where", ["intervals", "core", "validity"])
def test_hostile_keys_are_refused_on_load(where, text):
    data = whole()
    data[where][text] = [0.0, 1.0] if where == "intervals" else 1.0
    with pytest.raises(CardError):
        Card.from_dict(signed(data))


def hostile_card(text, form):
    """Return a card made by hand whose every name is hostile; circuits need the names of their features."""
    rtn = replace(RTN, states=tuple(replace(state, name=text) for state in RTN.states))
    rest = replace(RELAXATION, states=tuple(replace(state, name=text) for state in RELAXATION.states))
    card = replace(CARD, name=text, version=text, rtn_law=rtn, relaxation_law=rest)
    if form in ("npz", "aihwkit", "crosssim"):
        last = replace(card.features[-1], name=text, unit=text)
        return replace(card, core={}, features=(*card.features[:-1], last))
    return card


def exported(text, form, folder):
    """Return the export of a hostile card to a file of a hostile name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CardWarning)
        name = text.replace("/", "").replace("\x00", "")
        path = card_exports.export(
            hostile_card(text, form), form, folder / f"{name}{card_exports.FORMATS[form]}"
        )
    return path.read_bytes()


def harmless():
    """Return the statements of the export of a card with an ordinary name, by format."""
    plain = replace(NOISY, core={})
    return {"aihwkit": card_exports.to_aihwkit(plain), "crosssim": card_exports.to_crosssim(plain)}


def shape(source):
    """Return the syntax tree of a text without the contents of its strings and numbers."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            node.value = type(node.value).__name__
    return ast.dump(tree)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("form", ["aihwkit", "crosssim"])
def test_python_exports_hold_it_in_strings(tmp_path, form, text):
    """The syntax tree is that of an ordinary card, and the text stands in string tokens alone."""
    source = exported(text, form, tmp_path).decode()
    assert shape(source) == shape(harmless()[form])
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    code = [token.string for token in tokens if token.type != tokenize.STRING]
    assert not any("ran" == word or "system" in word for word in code)


ALLOWED = {
    "ngspice": (r"\*", r"\.subckt frenkel_cell ", r"\.ends$", r"\+ ", r"[brc]\w+ "),
    "verilog-a": (
        r"//",
        r'`include "(constants|disciplines)\.vams"$',
        r"module frenkel_cell\(",
        r"endmodule$",
        r"  ",
    ),
    "vacask": (
        r"//",
        r"card ",
        r"ground 0$",
        r'load "frenkel_cell.va"$',
        r"model (vsource vsource|cell frenkel_cell)$",
        r"[vx]\w+ \(",
        r"control$",
        r"  ",
        r"endc$",
        r'embed "frenkel_cell.va" <<<FILE$',
        r">>>FILE$",
        r'`include "(constants|disciplines)\.vams"$',
        r"module frenkel_cell\(",
        r"endmodule$",
        r"endmodule>>>FILE$",
    ),
    "neurosim": (r"#", r"//", r"$", r"args\.\w+ = [-\d.e+]+", r"\w+ = [-\d.e+]+;"),
}
"""How a line may begin."""


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("form", ALLOWED)
def test_lines_are_those_of_the_template(tmp_path, form, text):
    """No line begins with anything but what the template has: the text stays in its comment."""
    lines = exported(text, form, tmp_path).decode().splitlines()
    wrong = [line for line in lines if not any(re.match(pattern, line) for pattern in ALLOWED[form])]
    assert not wrong, wrong
    assert not any("touch" in line for line in lines if not line.startswith(("*", "//", "#", "card")))


@pytest.mark.parametrize("text", HOSTILE)
def test_npz_holds_one_line(tmp_path, text):
    with np.load(io.BytesIO(exported(text, "npz", tmp_path))) as law:
        assert str(law["source"]).isprintable() and "\n" not in str(law["source"])
        assert "system" not in str(law["python"]) and ast.parse(str(law["python"]))


def test_numbers_that_are_none_are_refused():
    with pytest.raises(ValueError, match="no finite number for read of an export, got inf"):
        fill("crosssim_current.py", scale=1.0, read=float("inf"))

"""A number that people get without naming it changes only on purpose: defaults.csv holds all of them."""

import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).with_name("defaults.py")
spec = importlib.util.spec_from_file_location("defaults", SCRIPT)
defaults = importlib.util.module_from_spec(spec)
spec.loader.exec_module(defaults)

SOURCE = '''
from .checks import between

HALF, TABLE = 1 / 2, {"a": -3}
WORDS = "no number"
OF_NAMES = {"long name": 2.0, "other": 1e3}


class Box(Model):
    """Text."""

    side: float = Field(default=2e-9, ge=0, description="length of a side in metres")
    cubic = True

    def cut(self, at: float, *, parts: int = 2, name=None) -> float:
        between("at", at, 0, 5.0, "m")
        between("at", at, self.least, self.side)
        return 7.0

    def _open(self, angle=90):
        raise ValueError(f"no {angle:.2f}")


OPTIONS = (Option("-n", "--number", type=int, default=4, help="how many of them"),)
'''
ITEMS = {
    "(HALF, TABLE)": "(0.5, {'a': -3})",
    "OF_NAMES['long name']": "2.0",
    "OF_NAMES['other']": "1000.0",
    "Box.side": "Field(default=2e-09, ge=0)",
    "Box.cubic": "True",
    "Box.cut(parts)": "2",
    "Box.cut(name)": "None",
    "Box.cut: between 'at'": "at, 0, 5.0, 'm'",
    "Box._open(angle)": "90",
    "option '-n' '--number'": "type=int, default=4",
}


def test_no_number_that_is_not_named_has_changed():
    different = defaults.differences(defaults.current(), defaults.recorded(defaults.TABLE))
    assert different == [], "if meant, python tests/defaults.py --record takes it; CHANGELOG.md says so"


def test_each_kind_of_item_is_read_with_its_value():
    assert dict(defaults.items(SOURCE)) == ITEMS
    now = defaults.current()
    assert now["src/frenkel/checks.py", "(COLDEST, HOTTEST)"] == "(1.0, 3000.0)"
    assert now["analysis/plots/caption.py", "PREFIXES[1000000.0]"] == "'M'"


def test_a_difference_names_the_item_and_both_values():
    old = {("a.py", "f(x)"): "1", ("a.py", "g(x)"): "2", ("b.py", "X"): "3"}
    new = {("a.py", "f(x)"): "1", ("a.py", "g(x)"): "4", ("b.py", "Y"): "3"}
    assert defaults.differences(new, old) == [
        "a.py: g(x) was 2 and is 4",
        "b.py: X, which was 3, does not exist",
        "b.py: Y is new: 3",
    ]

"""A RESET or SET that did nothing at what seems to be the wrong sign is found, and no other."""

import pytest

from frenkel.analysis.results.signs import Swept, all_missed


def phases(*told):
    """Make phases of "reset -1.4 9e6": kind, voltage (V), resistance read after it (ohm)."""
    split = [one.split() for one in told]
    return [
        Swept(f"{kind} {k}", kind, float(volts), float(ohms)) for k, (kind, volts, ohms) in enumerate(split)
    ]


FORMED, OPEN = "form 4 1e4", "reset -1.4 1e6"


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ((FORMED, OPEN, "set 2 1e4"), []),
        ((FORMED, "reset 1.4 9e3"), [(1, 0)]),
        ((FORMED, "reset 1.4 1.99e4"), [(1, 0)]),
        ((FORMED, "reset 1.4 2e4"), []),  # unipolar: it opens at either sign
        ((FORMED, "reset -0.1 1e4"), []),  # too small, but of the right sign
        ((FORMED, OPEN, "set -2 6e5"), [(2, 0)]),
        ((FORMED, OPEN, "set -2 5e5"), []),
        ((FORMED, "reset 1.4 9e3", "set 2 9e3"), [(1, 0)]),  # the SET is innocent
        (("form -4 1e4", "reset -1.4 9e3", "reset 1.4 1e6", "set -2 1e6"), [(1, 0)]),
        (("reset -1.4 1e6", "set -2 1e6", "reset -1.4 1e6"), [(1, 0), (2, 1)]),  # made conducting, no forming
        (("constant 1 1e4", "reset 1.4 1e4", "constant 1 1e4", "set 1.4 1e4"), [(3, 1)]),
        ((FORMED, "triangle 2 1e4", "reset 1.4 1e4"), [(2, 0)]),
        ((FORMED, "reset 0 1e4"), []),
        ((OPEN,), []),
        ((), []),
        ((FORMED, "reset 1.4 inf", "set -2 inf"), [(2, 0)]),  # no current before and after
    ],
)
def test_who_is_found(told, found):
    rows = phases(*told)
    missed = all_missed(rows)
    assert [(rows.index(one.sweep), rows.index(one.judge)) for one in missed] == found
    assert all(one.before == rows[rows.index(one.sweep) - 1].resistance for one in missed)

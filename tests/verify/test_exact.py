"""What `frenkel verify` prints: every row passes here, and a row can fail."""

import pytest

from frenkel.verify.exact import TESTS
from frenkel.verify.row import Row


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.__name__)
def test_rows_pass(test):
    assert [row.quantity for row in test() if not row.passed] == []


def test_a_row_can_fail():
    planted = Row(quantity="x", theory=1.0, ours=1.1, allowed=0.01, measure="relative")
    assert not planted.passed
    assert not Row(quantity="x", theory=1.0, ours=float("nan"), allowed=1.0).passed

"""Stacks switch at the published polarity, and the table of the page is what they give (`make verify`)."""

import pytest
import stack_table

POLARITY = {"ti_hfo2": "plus", "taox_hfo2": "plus", "taox_ta2o5": "minus"}
"""Sign of the top electrode at which SET comes, where it is published."""

pytestmark = pytest.mark.verification


@pytest.mark.parametrize("name", stack_table.PUBLISHED)
def test_a_stack_gives_its_row(name):
    seeds = range(stack_table.FIRST_SEED, stack_table.FIRST_SEED + 4)
    ours = stack_table.measure(name, seeds)
    assert ours[0] == POLARITY.get(name, ours[0])
    (line,) = (line for line in stack_table.PAGE.read_text("utf-8").splitlines() if f"`stack_{name}`" in line)
    assert line.endswith(" | " + " | ".join(ours) + " |")

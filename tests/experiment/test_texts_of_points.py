"""Texts of the steps of a sweep: each point keeps its own."""

import numpy as np

from frenkel.experiment.ensemble_file import Step, _texts_of

FORM, SET, RESET = Step("form", "form", 0), Step("set 1", "set", 1), Step("reset 1", "reset", 1)


def test_one_protocol_has_its_texts_along_the_steps():
    dims, texts, attrs = _texts_of([[FORM, SET]], "name", ("v", "member"), (2, 3), "x")
    assert dims == ("step",) and texts.tolist() == ["form", "set 1"] and attrs == {"long_name": "x"}


def test_protocols_that_differ_have_them_by_point():
    rows = [[FORM], [FORM, SET], [FORM, RESET], [SET]]
    dims, texts, _ = _texts_of(rows, "kind", ("v", "w", "member"), (2, 2, 5), "x")
    assert dims == ("v", "w", "step")
    assert np.array_equal(texts, [[["form", ""], ["form", "set"]], [["form", "reset"], ["set", ""]]])

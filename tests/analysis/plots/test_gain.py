"""The one number by which products of an array are scaled."""

import warnings

import numpy as np
import pytest
import xarray as xr

from frenkel.analysis.plots.array import one_gain


def products(target, found):
    return xr.Dataset({"product_target": ("n", target), "product": ("n", found)})


def test_gain_brings_products_nearest_to_their_targets():
    target, found = np.array([1.0, 2.0, 3.0]), np.array([0.6, 0.9, 1.6])
    gain = one_gain(products(target, found))
    assert gain == pytest.approx(np.linalg.lstsq(found[:, None], target, rcond=None)[0][0], rel=1e-12)


def test_nothing_brings_products_that_are_0_nearer():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(one_gain(products(np.ones(3), np.zeros(3))))

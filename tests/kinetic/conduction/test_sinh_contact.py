"""A contact whose current rises as a sinh, in a device."""

import numpy as np
import pytest

from frenkel.kinetic.device import Device
from frenkel.kinetic.materials.material import Material


def test_current_of_two_contacts_in_series():
    """A column of bonds far better than its contacts: each contact takes half of the voltage."""
    values = {"conduction.contact_sinh_voltage": 0.2, "conduction.contact_bottom": 1e-7, "conduction.contact_top": 1e-7,
              "column.vacancy_fraction": 0.0, "conduction.background": 1e-15}
    device = Device(Material.load("HfO2-volatile").with_values(values), 1.04e-9, 1.04e-9, seed=1)
    nz = device.shape[2]
    solution = device.fields.solve(np.arange(nz, dtype=np.int32))
    law = device.fields.law()
    assert solution.conductance == pytest.approx(0.5e-7, rel=1e-2)
    assert law(0.8) == pytest.approx(1e-7 * 0.2 * np.sinh(0.4 / 0.2), rel=2e-2)

"""A material with electron traps, whose numbers a test chooses."""

from frenkel.kinetic.materials.material import Material
from frenkel.units import BOLTZMANN_EV

KT = BOLTZMANN_EV * 300.0


def leaf(value, unit):
    return {"value": value, "unit": unit, "source": "this test", "confidence": "chosen"}


def material(mechanisms=("vacancy hop", "oxygen exchange", "electron capture"), **values):
    document = Material.load("HfO2-volatile").document()
    trap = {
        "density": (1e27, "1/m^3"), "level": (0.0, "eV"), "level_spread": (0.1, "eV"),
        "relaxation_energy": (1.2, "eV"), "attempt_frequency": (1e13, "Hz"), "decay_length": (0.4, "nm"),
        "screening_length": (0.4, "nm"),
    } | values
    document["trap"] = {key: leaf(*value) for key, value in trap.items()}
    document["mechanisms"] = list(mechanisms)
    return Material(document, "traps")

"""Units and constants."""

import doctest
import math

import pytest

from frenkel import units

CODATA = {"BOLTZMANN": "Boltzmann constant", "ELEMENTARY_CHARGE": "elementary charge",
          "PLANCK": "Planck constant", "VACUUM_PERMITTIVITY": "vacuum electric permittivity",
          "ELECTRON_MASS": "electron mass", "CONDUCTANCE_QUANTUM": "conductance quantum",
          "BOLTZMANN_EV": "Boltzmann constant in eV/K"}


@pytest.mark.parametrize(("name", "entry"), CODATA.items())
def test_constants_agree_with_scipy(name, entry):
    from scipy import constants

    # SciPy may carry CODATA 2018 or 2022: they differ by up to 5e-10 in what is measured.
    assert getattr(units, name) == pytest.approx(constants.value(entry), rel=1e-9)


def test_boltzmann_in_electronvolts_is_exact():
    """Both constants that it is made of are exact; a rounded one was off by 1.7e-11."""
    assert units.BOLTZMANN_EV == 1.380649e-23 / 1.602176634e-19
    assert units.BOLTZMANN_EV == pytest.approx(8.617333262145179e-5, rel=1e-15, abs=0)


def test_sommerfeld_value():
    assert math.pi**2 / 3 * units.BOLTZMANN_EV**2 == pytest.approx(units.LORENZ_NUMBER, rel=2e-3)


def test_units_agree_with_pint():
    registry = pytest.importorskip("pint").UnitRegistry()
    kinds = {"m": "um nm pm angstrom", "s": "ms us ns ps hour day year", "Hz": "kHz MHz GHz THz",
             "V": "mV uV kV MV", "A": "mA uA nA pA", "ohm": "kohm Mohm Gohm", "S": "mS uS nS",
             "W": "mW uW", "eV": "meV"}
    for base, names in kinds.items():
        assert getattr(units, base) == 1.0
        for name in names.split():
            expected = registry.Quantity(1.0, name).to(base).magnitude
            assert getattr(units, name) == pytest.approx(expected, rel=1e-12), name


@pytest.mark.parametrize("kind", units._PLAIN)
@pytest.mark.parametrize("form", ["{}", "{}/s", "V/{}", "e*{}", "W/{}*K"])
def test_units_told_without_pint_are_those_of_pint(kind, form, monkeypatch):
    """To the last bit, for numbers of up to ten digits as files give them."""
    pairs = [(form.format(one), form.format(other)) for one in kind for other in kind]
    numbers = (1.0, 5.0, 0.1, 3.14, 1e13, 2.6, 0.7294736, 123.4567891)
    plain = [units.convert(number, *pair) for pair in pairs for number in numbers]
    assert None not in [units._plain_factor(*pair) for pair in pairs]
    monkeypatch.setattr(units, "_plain_factor", lambda given, wanted: None)
    assert plain == [units.convert(number, *pair) for pair in pairs for number in numbers]


def test_units_that_take_pint():
    for given, wanted in (("nm^2", "m^2"), ("W/(K*nm)", "W/(K*m)"), ("nm", "s"), ("hour", "s"),
                          ("V*nm", "V/m"), ("nm s", "m s"), ("V", "V/m"), ("nope", "m")):
        assert units._plain_factor(given, wanted) is None, given


def test_docstring_example():
    assert doctest.testmod(units).failed == 0


@pytest.mark.parametrize(
    ("given", "wanted", "value"),
    [
        ("W/(m*K)", "W/(m*K)", 1.0), ("mW/(cm * K)", "W/(m*K)", 0.1), ("A/(cm^2*K^2)", "A/(m^2*K^2)", 1e4),
        ("cm^-1", "1/m", 100.0), ("cm⁻¹", "1/m", 100.0), ("cm**2/s", "m^2/s", 1e-4), ("V per nm", "V/m", 1e9),
        ("kΩ", "ohm", 1e3), ("µm", "m", 1e-6), ("%", "1", 0.01), ("e*nm", "e*m", 1e-9), ("°C", "K", 274.15),
    ],
)
def test_texts_of_units(given, wanted, value):
    assert units.convert(1.0, given, wanted) == value


@pytest.mark.parametrize(
    "given",
    [
        "m**9**9**9", "m^9^9", "m**99", "(m^9)^9", "((m))", "m*(s*(s))", "9*m", "1e3 m", "m.real", "m;m",
        "m\n", "m + m", "m//m", "m^", "", " ", "m^٣", "m" * 41, "*".join("m" * 21), "__import__('os')", "V",
    ],
)  # fmt: skip
def test_no_units(given):
    with pytest.raises(ValueError, match="is no unit"):
        units.convert(1.0, given, "m")


def test_pint_sees_no_text_but_units(monkeypatch):
    """It evaluates whatever it is given, and some of that for ever."""
    monkeypatch.setattr(units, "_registry", lambda: pytest.fail("pint was asked"))
    with pytest.raises(ValueError, match=r"'m\*\*9\*\*9\*\*9' is no unit"):
        units.convert(1.0, "m**9**9**9", "m")

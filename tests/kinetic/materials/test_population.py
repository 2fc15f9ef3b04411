"""The table [population] of a material file: how its numbers differ between devices, with their origin."""

import pytest

from frenkel.configuration.device import parse
from frenkel.configuration.points import Members
from frenkel.kinetic.materials.material import Material, MaterialError
from frenkel.reports.device import material_table

BARRIER = {"law": "normal", "sd": "20 meV", "source": "a chapter", "confidence": "chosen"}


def with_table(**population):
    return Material({**Material.load("HfO2-fast").document(), "population": population}, "mine")


def test_laws_come_with_their_origin_and_change_no_number():
    fitted = {"law": "log-normal", "sigma": 0.1, "source": "here", "confidence": "fitted", "fitted_to": "LRS"}
    found = with_table(exchange={"barrier": BARRIER}, conduction={"prefactor": fitted})
    assert [(one.key, dict(one.law), one.confidence, one.note) for one in found.population] == [
        ("exchange.barrier", {"law": "normal", "sd": "20 meV"}, "chosen", ""),
        ("conduction.prefactor", {"law": "log-normal", "sigma": 0.1}, "fitted", "fitted to: LRS"),
    ]
    plain = Material.load("HfO2-fast")
    assert found.hash == plain.hash and found.values() == plain.values() and plain.population == ()
    assert found.with_values({"exchange.barrier": 1.9}).population == found.population
    assert "[population]\n  exchange.barrier       normal, sd 20 meV chosen\n" in material_table(found)


@pytest.mark.parametrize(
    ("population", "message"),
    [
        ({"exchange": {"barier": BARRIER}}, r"mine: population: no key 'barier' .*did you mean 'barrier'"),
        ({"exchnge": {"barrier": BARRIER}}, r"mine: population: no section \[exchnge\]"),
        ({"exchange": {"barrier": BARRIER | {"source": " "}}}, "source must not be empty"),
        ({"exchange": {"barrier": BARRIER | {"confidence": "fitted"}}}, "must say in fitted_to"),
        ({"exchange": {"barrier": {"law": "normal", "sd": "1 meV"}}}, "source is missing"),
    ],
)
def test_what_is_wrong_is_one_sentence(population, message):
    with pytest.raises(MaterialError, match=message):
        with_table(**population)


@pytest.mark.parametrize("name", [name for name in Material.names() if Material.load(name).population])
def test_laws_of_packaged_sets_fit_their_numbers(name):
    size = {"thickness": "2.6 nm", "width": "2.6 nm"}
    phase = [{"kind": "reset", "amplitude": "-1 V", "rate": "1 MV/s"}]
    document = {"seed": 1, "material": name, "device": size, "phase": phase, "population": {"shipped": True}}
    members = Members(parse(document))
    assert not [*members.sampler.doubts()]
    assert set(members.draw(0).values) == {one.key for one in members.material.population}

"""Material files: every packaged set is complete and cited, every fault is one clear sentence."""

import copy
import pickle
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from frenkel.kinetic.materials import material as module
from frenkel.kinetic.materials.material import Material, MissingSectionError
from frenkel.kinetic.materials.rows import MaterialError
from frenkel.kinetic.materials.sections import MECHANISMS, SECTIONS

NAMES = Material.names()
CONFIDENCES = ("measured", "ab initio", "machine-learned potential", "fitted", "recalled", "chosen")
JART = Path(__file__).resolve().parents[2] / "materials" / "HfO2-JART.toml"


def test_packaged_sets():
    assert {"HfO2-volatile", "HfO2-ETH"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_number_is_cited(name):
    rows = Material.load(name).table()
    assert len(rows) > 10
    for row in rows:
        assert len(row.source) > 8, row
        assert row.confidence in CONFIDENCES, row
        assert row.confidence != "fitted" or row.note.startswith("fitted to: "), row
        assert "/home" not in row.source and "TODO" not in row.source + row.note


@pytest.mark.parametrize("name", NAMES)
def test_mechanisms_have_their_sections(name):
    material = Material.load(name)
    assert material.mechanisms
    assert all(material.has(section) for name in material.mechanisms for section in MECHANISMS[name])


def test_values_are_si_and_energies_electronvolts():
    hfo2 = Material.load("HfO2-volatile")
    assert hfo2.lattice.spacing == 0.26e-9
    assert 1e12 <= hfo2.vacancy.attempt_frequency <= 1e14
    assert 1e-9 < hfo2.exchange.dipole < 1e-8
    assert isinstance(hfo2.vacancy.charge, int) and hfo2.vacancy.charge == 2
    assert isinstance(hfo2.column.vacancy_fraction, float)


def test_published_constants():
    jart, eth = Material.read(JART), Material.load("HfO2-ETH")
    assert (jart.vacancy.migration_barrier, jart.vacancy.attempt_frequency) == (1.35, 2e13)
    assert jart.lattice.spacing == 0.25e-9
    assert (eth.vacancy.migration_barrier, eth.interstitial.migration_barrier) == (1.09, 0.76)
    assert (eth.frenkel_pair.energy, eth.exchange.energy) == (3.93, 1.66)


def test_eth_energies_close():
    """Making a vacancy by exchange or by a pair whose interstitial leaves costs the same."""
    eth = Material.load("HfO2-ETH")
    by_pair = eth.frenkel_pair.energy + eth.interstitial_exchange.energy
    assert by_pair == pytest.approx(eth.exchange.energy, abs=1e-12)


def test_units_are_converted(small):
    small["vacancy"]["migration_barrier"]["unit"] = "meV"
    small["vacancy"]["migration_barrier"]["value"] = 700.0
    small["vacancy"]["attempt_frequency"] = leaf(10, "1/ps")
    small["lattice"]["spacing"] = leaf(2.6, "angstrom")
    material = Material(small, "test")
    assert material.vacancy.migration_barrier == 0.7
    assert material.vacancy.attempt_frequency == 1e13
    assert material.lattice.spacing == 2.6e-10


def test_keys_left_out_mean_absent(small):
    vacancy = Material(small, "test").vacancy
    assert vacancy.binding_energy == vacancy.heat_of_transport == vacancy.crowding_barrier == 0.0


def test_missing_section_says_so():
    jart = Material.read(JART)
    assert not jart.has("exchange")
    with pytest.raises(MissingSectionError, match=r"material HfO2-JART has no section \[exchange\]"):
        _ = jart.exchange.barrier


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("HfO3", "; near by name are: Ag-HfO2, Ag-graphene-HfO2, HfO2, HfO2-CHGNet, HfO2-ETH"),
        ("HfO2-column", "; near by name are: Ag-HfO2, Ag-graphene-HfO2, HfO2, HfO2-CHGNet, HfO2-ETH"),
        ("hfo2", " (did you mean 'HfO2'?); frenkel materials lists all "),
        ("HfO2_traps", " (did you mean 'HfO2-traps'?); frenkel materials lists all "),
        ("Hf02", " (did you mean 'HfO2'?); frenkel materials lists all "),
        ("TiO2", "; near by name are: Ag-SiO2, Ag-TiO2, Cu-SiO2, TiO2-CHGNet, TiOx; frenkel materials "),
        ("HfO2-Ag", "; near by name are: Ag-HfO2, Ag-graphene-HfO2; frenkel materials lists all "),
        ("cu", "; near by name are: Cu-Al2O3, Cu-GeS2, Cu-SiO2, MoS2-Cu; frenkel materials lists all "),
        ("XYZ", "; there are: Ag-Ag2S, Ag-Al2O3, "),
        ("-", "; there are: Ag-Ag2S, Ag-Al2O3, "),
    ],
)
def test_unknown_material_names_the_nearest(name, hint):
    with pytest.raises(MaterialError) as caught:
        Material.load(name)
    assert str(caught.value).startswith(f"no material '{name}'{hint}")


@pytest.mark.parametrize("name", ["../materials/HfO2", "/etc/passwd", ""])
def test_load_takes_no_paths(name):
    with pytest.raises(MaterialError, match="no material"):
        Material.load(name)


def test_with_values():
    hfo2 = Material.load("HfO2-volatile")
    other = hfo2.with_values({"vacancy.migration_barrier": 0.7, "column.vacancy_fraction": 0.1})
    assert (other.vacancy.migration_barrier, other.column.vacancy_fraction) == (0.7, 0.1)
    barrier = hfo2.vacancy.migration_barrier
    assert other.hash != hfo2.hash and other != hfo2
    row = next(row for row in other.table() if row.key == "migration_barrier")
    assert row.confidence == "chosen" and f"{barrier:g} eV" in row.source
    back = other.with_values({"vacancy.migration_barrier": barrier,
                              "column.vacancy_fraction": hfo2.column.vacancy_fraction})
    assert back.hash == hfo2.hash


@pytest.mark.parametrize(("name", "value", "message"), [
    ("vacancy.migration_barier", 0.7, r"no key 'migration_barier' in section \[vacancy\] \(did you mean"),
    ("vacncy.charge", 2, r"no section \[vacncy\] in a material \(did you mean 'vacancy'"),
    ("vacancy.migration_barrier", -0.1, "vacancy.migration_barrier must be between 0 and 10 eV, got -0.1"),
    ("vacancy.migration_barrier", float("nan"), "vacancy.migration_barrier.value must be a finite"),
    ("vacancy.charge", 1.5, "vacancy.charge must be a whole number, got 1.5"),
    ("lattice.spacing", 0.26, r"lattice.spacing must be between 1e-10 and 1e-09 m, got 0.26"),
])
def test_with_values_refuses(name, value, message):
    with pytest.raises(MaterialError, match=message):
        Material.load("HfO2-volatile").with_values({name: value})


def test_with_mechanisms():
    eth = Material.load("HfO2-ETH")
    assert eth.with_mechanisms(["vacancy hop"]).mechanisms == ("vacancy hop",)
    assert eth.with_mechanisms(["vacancy hop"]).hash != eth.hash
    with pytest.raises(MaterialError, match=r"mechanism 'Frenkel pair' needs a section \[frenkel_pair\]"):
        Material.load("HfO2-volatile").with_mechanisms(["Frenkel pair"])


def test_hash_depends_on_values_alone(small):
    first = Material(small, "test")
    small["description"] = "another text"
    small["vacancy"]["charge"]["note"] = "a note"
    small["lattice"]["spacing"] = leaf(2.6e-10, "m")
    assert Material(small, "other").hash == first.hash


def test_document_makes_an_equal_material():
    hfo2 = Material.load("HfO2-volatile")
    again = Material(hfo2.document(), "HfO2-volatile")
    assert again == hfo2 and again.table() == hfo2.table()
    assert pickle.loads(pickle.dumps(hfo2)) == hfo2 == copy.deepcopy(hfo2)


def test_material_is_frozen():
    hfo2 = Material.load("HfO2-volatile")
    with pytest.raises(AttributeError, match="with_values"):
        hfo2.name = "x"
    with pytest.raises(AttributeError):
        hfo2.vacancy.charge = 1
    with pytest.raises(AttributeError, match="colour"):
        _ = hfo2.colour
    document = hfo2.document()
    document["vacancy"]["charge"]["value"] = 0
    assert hfo2.document()["vacancy"]["charge"]["value"] == 2


def leaf(value, unit, **more):
    """Return one quantity as a file holds it."""
    return {"value": value, "unit": unit, "source": "a test", "confidence": "chosen", **more}


@pytest.fixture
def small():
    """Return the document of a small material without a fault."""
    return {
        "formula": "HfO2", "description": "for tests", "mechanisms": ["vacancy hop"],
        "lattice": {"spacing": leaf(0.26, "nm")},
        "vacancy": {"charge": leaf(2, "1"), "migration_barrier": leaf(0.7, "eV"),
                    "attempt_frequency": leaf(1e13, "Hz")},
    }


def _set(path, value):
    def fault(document):
        *way, last = path.split("/")
        for name in way:
            document = document[name]
        document[last] = value
    return fault


def _drop(path):
    def fault(document):
        *way, last = path.split("/")
        for name in way:
            document = document[name]
        del document[last]
    return fault


BARRIER = "vacancy/migration_barrier"
FAULTS = [
    (_set("vacancy/colour", leaf(1, "1")), "unknown key vacancy.colour; there are: charge"),
    (_set("vacancy/chrge", leaf(1, "1")),
     r"unknown key vacancy.chrge \(did you mean 'charge'\?\); there are: charge"),
    (_set("vacncy", {}), r"unknown key vacncy \(did you mean 'vacancy'\?\)"),
    (_set(BARRIER + "/sources", "x"), r"unknown key vacancy.migration_barrier.sources \(did"),
    (_set(BARRIER, 0.7),
     r"migration_barrier must be a section with keys of its own \(source, .*, value, unit, .*, got 0.7"),
    (_set(BARRIER + "/unit", "nm"), "vacancy.migration_barrier has unit 'nm', which is no unit of energy"),
    (_set(BARRIER + "/unit", "eW"), "vacancy.migration_barrier has unit 'eW', which is no unit of energy"),
    (_set(BARRIER + "/unit", "kJ/mol"), "vacancy.migration_barrier has unit 'kJ/mol'"),
    (_set(BARRIER + "/unit", ")("), r"vacancy.migration_barrier has unit '\)\('"),
    (_set("vacancy/charge/unit", "eV"), "vacancy.charge has unit 'eV', which is no unit of a pure number"),
    (_set(BARRIER + "/value", float("nan")),
     "vacancy.migration_barrier.value must be a finite number, got nan"),
    (_set(BARRIER + "/value", float("inf")),
     "vacancy.migration_barrier.value must be a finite number, got inf"),
    (_set(BARRIER + "/value", "0.7"), "vacancy.migration_barrier.value must be a valid number, got '0.7'"),
    (_set(BARRIER + "/value", True), "vacancy.migration_barrier.value must be a valid number, got True"),
    (_set(BARRIER + "/value", -0.7), "vacancy.migration_barrier must be between 0 and 10 eV, got -0.7"),
    (_set("vacancy/attempt_frequency/value", 0.0), "frequency must be between 1e.09 and 1e.16 Hz, got 0"),
    (_set("lattice/spacing/unit", "m"), "lattice.spacing must be between 1e-10 and 1e-09 m, got 0.26"),
    (_set("vacancy/charge/value", 1.5), "vacancy.charge must be a whole number, got 1.5"),
    (_set(BARRIER + "/range", [0.8, 1.5]), "value 0.7 eV lies outside its own range 0.8 to 1.5 eV"),
    (_set(BARRIER + "/range", [1.5, 0.1]), "value 0.7 eV lies outside its own range"),
    (_set(BARRIER + "/range", [0.1]), "vacancy.migration_barrier.range"),
    (_set(BARRIER + "/source", " "), "vacancy.migration_barrier.source: source must not be empty"),
    (_drop(BARRIER + "/source"), "vacancy.migration_barrier.source is missing"),
    (_drop(BARRIER + "/confidence"), "vacancy.migration_barrier.confidence is missing"),
    (_drop(BARRIER + "/unit"), "vacancy.migration_barrier.unit is missing"),
    (_set(BARRIER + "/confidence", "sure"),
     "vacancy.migration_barrier.confidence must be 'measured'.*got 'sure'"),
    (_set(BARRIER + "/confidence", "fitted"), "must say in fitted_to what it was fitted to"),
    (_drop(BARRIER), "vacancy.migration_barrier is missing"),
    (_drop("lattice"), "bad.toml: lattice is missing"),
    (_drop("formula"), "bad.toml: formula is missing"),
    (_drop("mechanisms"), "bad.toml: mechanisms is missing"),
    (_drop("vacancy"), r"mechanism 'vacancy hop' needs a section \[vacancy\]"),
    (_set("mechanisms", ["oxygen exchange"]), r"mechanism 'oxygen exchange' needs a section \[exchange\]"),
    (_set("mechanisms", ["vacancy hope"]), r"no mechanism 'vacancy hope' \(did you mean 'vacancy hop'\?\)"),
    (_set("mechanisms", ["vacancy hop"] * 2), "a mechanism is listed twice"),
    (_set("mechanisms", "vacancy hop"), "mechanisms must be a valid list, got 'vacancy hop'"),
    (_set("vacancy", 3), "vacancy must be a section with keys of its own .*got 3"),
]


@pytest.mark.parametrize(("fault", "message"), FAULTS)
def test_faults_are_named(small, fault, message):
    fault(small)
    with pytest.raises(MaterialError, match=message) as caught:
        Material(small, "test", where="bad.toml")
    text = str(caught.value)
    assert text.startswith("bad.toml: ") and "\n" not in text


def test_read_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text((module.DIRECTORY / "HfO2-volatile.toml").read_text(encoding="utf-8"), encoding="utf-8")
    assert Material.read(path).name == "mine"
    assert Material.read(str(path)).hash == Material.load("HfO2-volatile").hash


@pytest.mark.parametrize(("content", "message"), [
    (b"formula = ", "bad.toml is not a TOML file"),
    (b"\xff\xfe", "bad.toml is not a TOML file"),
    (b"", "bad.toml: formula is missing"),
    (None, "cannot read material file .*bad.toml"),
])
def test_read_refuses(tmp_path, content, message):
    path = tmp_path / "bad.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MaterialError, match=message):
        Material.read(path)


def test_declarations_are_whole():
    for section in SECTIONS.values():
        assert section.__doc__
        for entry in fields(section):
            assert entry.metadata["low"] < entry.metadata["high"]
            assert entry.metadata["meaning"]
            assert entry.type in ("int", "float")


def test_module_imports_no_slow_library():
    code = ("import sys, frenkel.kinetic.materials.material; "
            "print([name for name in ('pint', 'pydantic', 'scipy', 'numpy') if name in sys.modules])")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"

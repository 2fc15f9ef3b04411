"""SECURITY.md names tests and limits that there are; the job for public sets fetches all of them."""

import re
from pathlib import Path

from frenkel.data import sizes

ROOT = Path(__file__).parents[1]


def test_the_page_names_what_there_is():
    text = (ROOT / "SECURITY.md").read_text()
    named = re.findall(r"`((?:tests|docs|data|configuration|kinetic)/[\w/.]*|escape\.py)`", text)
    assert len(named) > 10
    for name in named:
        assert any((folder / name).exists() for folder in (ROOT, ROOT / "src" / "frenkel")), name
    assert f"{sizes.RATIO} to 1" in text and f"{sizes.FREE >> 20} MiB" in text
    assert f"{sizes.TABLE_RATIO} to 1" in text and f"{sizes.TABLE_FREE >> 20} MiB" in text
    assert not re.findall(r"\S+@\S+|https?://", text)


def test_the_job_of_public_sets_fetches_all_that_are_read():
    told = set(
        re.findall(r"git clone https://github.com/(\S+)", (ROOT / "benchmarks/rram/tables.py").read_text())
    )
    makefile = (ROOT / "Makefile").read_text()
    listed = re.search(r"^MEASURED := ((?:.*\\\n)*.*)", makefile, re.MULTILINE)[1].replace("\\\n", "").split()
    assert set(listed) == told and len(listed) == len(told) == 4
    ci = (ROOT / ".ci/run").read_text()
    assert re.search(r'if \[ "\$\{FRENKEL_PUBLIC:-\}" = 1 \]; then\n.*\n  make measured\nfi', ci)


def test_the_job_asks_for_tables_that_are_made():
    """Each table but one is fitted, and each name that is asked for in one place is that of a table."""
    asked = (ROOT / "validation/test_measured_sets.py").read_text()
    made = re.findall(r'^    "([\w-]+)": \(', (ROOT / "benchmarks/rram/tables.py").read_text(), re.MULTILINE)
    assert len(made) == 10
    assert [name for name in made if f'"{name}"' not in asked and f'"{name}.csv.gz"' not in asked] == [
        "cells"
    ]
    assert set(re.findall(r'table\("([\w-]+)\.csv\.gz"\)', asked)) <= set(made)

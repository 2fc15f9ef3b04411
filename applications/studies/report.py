"""One HTML page of studies: tables, pictures, what they say of the literature, and where every number is."""

import base64
import time
from collections.abc import Sequence
from pathlib import Path

from frenkel import provenance
from frenkel.data import store
from frenkel.escape import html

from .common.claims import Claim
from .runner import Outcome

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
color: #222; }
table { border-collapse: collapse; margin: 1rem 0; font-size: 0.9rem; }
th, td { border: 1px solid #ccc; padding: 0.25rem 0.6rem; text-align: left; vertical-align: top; }
th { background: #f3f3f3; }
img { max-width: 100%; }
code { font-size: 0.8rem; word-break: break-all; }
.supports { color: #1a6b2d; } .corrects { color: #8a5a00; } .contradicts { color: #a01515; }
.open, .arithmetic { color: #555; }
"""


def write(outcomes: Sequence[Outcome], path: Path) -> Path:
    """Write the page, whole or not at all, with its pictures inside.

    Parameters
    ----------
    outcomes : sequence of Outcome
    path : Path
        Replaced if it exists.
    """
    return store.write_bytes(page(outcomes).encode(), path)


def page(outcomes: Sequence[Outcome]) -> str:
    """Return the page."""
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>frenkel: studies</title>",
        f"<style>{STYLE}</style></head><body><h1>From device physics to networks</h1>",
        f"<p>frenkel {html(provenance.version())}, {time.strftime('%Y-%m-%d')}. Energies, times and "
        "areas are "
        "modelled, none is measured. Intervals are 95 % over networks, each with a split of the images of "
        "its own. A verdict follows from effects and their intervals: it supports a sentence where all "
        "exceed what would matter, contradicts it where none does, corrects it where some do and some do "
        "not, and is open else; arithmetic is what no measurement could have changed.</p>"
        "<h2>Claim by claim</h2>",
        _claims([claim for outcome in outcomes for claim in outcome.claims]),
    ]
    parts += [_section(outcome) for outcome in outcomes]
    return "\n".join([*parts, "</body></html>", ""])


def _claims(claims: Sequence[Claim]) -> str:
    rows = [["", "claim", "source", "our numbers say", "numbers"]]
    for claim in claims:
        verdict = html(claim.verdict)
        verdict = f"<b class='{verdict}'>{verdict}</b>"
        cells = [html(text) for text in (claim.id, claim.sentence, claim.source)]
        rows.append([*cells, verdict, html(claim.ours)])
    return _html_table(rows)


def _section(outcome: Outcome) -> str:
    recorded = outcome.recorded
    settings = recorded["configuration"]
    origin = ", ".join(
        f"{name} {value}" for name, value in settings.items() if not isinstance(value, (dict, list))
    )
    parts = [f"<h2>{html(outcome.heading)}</h2>"]
    if outcome.missing:
        parts.append(f"<p>Not told by the cell, and left out: {html(', '.join(outcome.missing))}.</p>")
    parts += [_from_markdown(outcome.table)]
    for picture in outcome.pictures:
        data = base64.b64encode(picture.read_bytes()).decode()
        parts.append(f"<img alt='{html(picture.stem)}' src='data:image/png;base64,{data}'>")
    parts.append(
        f"<p>Every number is from <code>{html(outcome.source.name)}</code>: {html(origin)}; commit "
        f"{html(str(recorded['software']['git'] or 'unknown'))}; configuration "
        f"<code>{html(outcome.hash)}</code></p>"
    )
    return "\n".join(parts)


def _from_markdown(text: str) -> str:
    """Return the tables and lines of a Markdown text as HTML."""
    parts: list[str] = []
    rows: list[list[str]] = []
    for line in [*text.split("\n"), ""]:
        if line.startswith("|"):
            cells = [html(cell.strip()) for cell in line.strip().strip("|").split("|")]
            if any(cell.strip("-: ") for cell in cells):
                rows.append(cells)
            continue
        if rows:
            parts.append(_html_table(rows))
            rows = []
        if line.strip():
            parts.append(f"<p>{html(line.lstrip('# '))}</p>")
    return "\n".join(parts)


def _html_table(rows: Sequence[Sequence[str]]) -> str:
    header_row = "".join(f"<th>{cell}</th>" for cell in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows[1:])
    return f"<table><tr>{header_row}</tr>{body}</table>"

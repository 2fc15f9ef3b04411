"""Interfacial switching: laws of area, labels of the weight update, crossover to a filament."""

from itertools import pairwise

import numpy as np
from interfacial import area_exponents, crossover, make, read, retention_and_window, train, weight_update
from row import Row, within

from frenkel.kinetic.materials.material import Material


def pcmo_area():
    """I-04 for PCMO."""
    return _area("I-04p", "PCMO", -2.0, 2.0, 5e-2)


def nb2o5_area():
    """I-04 for the double barrier."""
    return _area("I-04n", "Nb2O5", 3.0, -2.0, 6.0)


def _area(name, material, low, high, duration):
    found = area_exponents(Material.load(material), low, high, duration, devices=(3, 2, 2, 1, 1))
    rows = []
    for state, value in zip(("low", "high"), found, strict=True):
        out = "Out: one device at the largest areas, whose own state scatters by a few per cent"
        good = within(value, -1.03, -0.97)
        rows.append(
            Row(
                id=f"{name}-{state}",
                quantity=f"{material}: d log R / d log A, {state} resistance",
                published="-1.00 +- 0.03, both states",
                source="Hansen et al., Sci. Rep. 2015, srep13753",
                confidence="seen (abstract)",
                ours=value,
                verdict=good,
                n="x16 in area, 9 devices",
                note="" if good else out,
            )
        )
    return rows


def labels():
    """I-03 for PCMO: labels of potentiation and depression."""
    found = np.array([weight_update(Material.load("PCMO"), seed) for seed in (1, 2, 3)])
    mean, error = found.mean(axis=0), found.std(axis=0, ddof=1) / np.sqrt(3)
    rows = []
    for k, (name, published) in enumerate((("up", 3.68), ("down", -6.76))):
        rows.append(
            Row(
                id=f"I-03-{name}",
                quantity=f"PCMO: nonlinearity label of 50 equal pulses, {name}",
                published=f"{published} +- 1.5",
                source="NeuroSim tables of measured devices",
                confidence="seen; our exchange energy was chosen with it in sight, so not held out",
                ours=float(mean[k]),
                error=float(error[k]),
                verdict=within(mean[k], published - 1.5, published + 1.5),
                n="3 devices",
                note=f"on/off {mean[2]:.2f} (6.84 published, fitted)",
            )
        )
    return rows


def manganite_range():
    """I-04b: window of GCMO."""
    found = []
    for seed in (1, 2):
        device = make(Material.load("GCMO"), 12, seed)
        for _ in range(2):
            low, high = (train(device, voltage, 5e-2, 1)[-1] for voltage in (2.0, -2.0))
        found.append(high / low)
    ratio = float(np.mean(found))
    return [
        Row(
            id="I-04b",
            quantity="GCMO: on/off after saturating pulses",
            published="1e7-1e8 / 1e5-1e7 ohm: 10 to 1000",
            source="GCMO memristors (abstract)",
            confidence="seen (abstract); fitted to about 30",
            ours=ratio,
            verdict=within(ratio, 10, 1000),
            n="2 devices",
        )
    ]


def silicon_oxide():
    """I-05: one crossover from area scaling to a filament in Ti/SiOx/Au."""
    limits = [1e-11, 1e-10, 1e-9, 1e-8]
    p = crossover(Material.load("SiOx-Au"), limits, devices=1, widths=(7, 10, 14))
    good = p[0] > 0.9 and abs(p[-1]) < 0.1 and all(a >= b - 0.1 for a, b in pairwise(p))
    return [
        Row(
            id="I-05",
            quantity="Ti/SiOx/Au: p of R ~ A^-p at rising limits of the current density",
            published="from 1 to 0, one crossover",
            source="review only (2023 paper not reached)",
            confidence="trend",
            ours=p[-1],
            verdict=bool(good),
            n="3 areas",
            note="p " + ", ".join(f"{value:.2f}" for value in p)
            + "; at equal absolute limits small devices form while large ones are still interfacial, "
            "and p is not monotone"
            + ("" if good else ". Out: a device did not reach the last limit below 7 V"),
        )
    ]


def electrode_chemistry():
    """I-07: retention up and window down with the barrier of the exchange."""
    found = retention_and_window(Material.load("PCMO"), (1.20, 1.28, 1.36))
    window, kept = zip(*found, strict=True)
    good = kept[0] < kept[1] <= kept[2] and window[0] >= window[1] > window[2]
    return [
        Row(
            id="I-07",
            quantity="PCMO: fraction of G kept after 100 s at 400 K, exchange barriers 1.20, 1.28, 1.36 eV",
            published="retention up and window down with the barrier",
            source="Al/PCMO electrode chemistry (abstract)",
            confidence="trend, seen (abstract)",
            ours=kept[-1],
            verdict=bool(good),
            n="1 device each, hops frozen",
            note="kept " + ", ".join(f"{k:.2f}" for k in kept)
            + "; on/off " + ", ".join(f"{w:.1f}" for w in window),
        )
    ]


def no_emf():
    """V-25p for the interface: no current at 0 V, rectification at +-0.1 V."""
    device = make(Material.load("PCMO"), 10, 1)
    largest = abs(device.current(1.0))
    return [
        Row(
            id="I-08",
            quantity="PCMO: current at 0 V over that at 1 V",
            published="< 1e-3 (pinched)",
            source="exact argument",
            confidence="exact",
            ours=abs(device.current(0.0)) / largest,
            verdict=abs(device.current(0.0)) < 1e-3 * largest,
            n=f"G {read(device):.2e} S",
        )
    ]


SIGNATURES = {
    "I-03": labels,
    "I-04p": pcmo_area,
    "I-04n": nb2o5_area,
    "I-04b": manganite_range,
    "I-05": silicon_oxide,
    "I-07": electrode_chemistry,
    "I-08": no_emf,
}

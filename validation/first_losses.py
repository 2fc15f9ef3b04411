"""How soon the first of a million states that a SET leaves is lost, exactly for each device.

    python validation/first_losses.py [--devices 24] [--sets 1] [--temperatures 358,300] [--most 80]
        [--share 0.5] [--set "phase.2.compliance=60 uA"]

A loss by one rare hop has no levels of the conductance on its way, so that splitting sees none of it once
it is rarer than one in the particles. Here each state is left as a Markov chain: the arrangements that a
device comes to most likely are solved one after another, those that have lost half of the conductance end
it, and what leads to arrangements that nobody has looked at bounds the rest. Between both sums lies the
probability of the first passage that ``frenkel tails examples/kept_state.toml --event "state is lost"`` asks
for; no random numbers are in it. Only of sets whose oxide does not relax: where it does (that of the default)
an arrangement has no conductance of its own; `--set` another material.
"""

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from pathlib import Path

import numpy as np
from scipy.stats import poisson

from frenkel.configuration import device as config
from frenkel.configuration import reader
from frenkel.kinetic.superbasin import Superbasin
from frenkel.rare.members import prepared

KEPT = Path(__file__).resolve().parents[1] / "examples" / "kept_state.toml"
MOST = 80
"""Arrangements of a device that are solved."""
FEW = 8
"""Arrangements that are solved at a time at least; an eighth of those that are there, if that is more."""

DRAWS = 2000
"""Draws of as many devices as there are, for the interval of their mean."""

SMALL = 0.1
"""Of the bound: what may be unknown of it."""


class Losses:
    """The arrangements around the present one of a device at 0 V, solved as they are needed.

    Parameters
    ----------
    device : Device
    temperature : float
        (K)
    most : int
        Arrangements that are solved.
    share : float
        Of the conductance at the start, at which a state counts as lost.
    """

    def __init__(self, device, temperature, most=MOST, share=0.5):
        if device.relaxation is not None:
            raise SystemExit(
                "the oxide of this set relaxes (disorder.relaxation_rate): an arrangement has no conductance "
                "of its own, and a chain of arrangements cannot tell its losses; ask frenkel tails"
            )
        self.device, self.temperature, self.most = device, temperature, most
        self.basin = Superbasin(device, device.solver)
        self.edge = share * device.conductance
        self.number, self.atoms, self.rates, self.lost = {}, [], [], []
        self.add()

    def add(self):
        """Take the present arrangement of the device as the next one."""
        device, key = self.device, self.basin.key()
        self.number[key] = len(self.atoms)
        self.atoms.append(device.arrangement())
        self.lost.append(device.conductance <= self.edge)
        found = {}
        if not self.lost[-1]:
            events = device.solved().at(0.0)
            columns = events.arrays()
            for k, rate in enumerate(events.rates(0.0, self.temperature)):
                target = self.basin.target(key, columns, k)
                before = found.get(target)
                found[target] = (rate + (before[0] if before else 0.0), k)
        self.rates.append(found)

    def spent(self, duration):
        """Return the mean time (s) in each arrangement within a time; 0 of those that end it."""
        n = len(self.atoms)
        rate, leave = np.zeros((n, n)), np.zeros(n)
        for i, found in enumerate(self.rates):
            for target, (one, _) in found.items():
                number = self.number.get(target)
                if number is None:
                    leave[i] += one
                elif number != i:
                    rate[i, number] += one
        return spent(rate, leave, duration) * ~np.array(self.lost)

    def flows(self, duration):
        """Return the chance of coming to each arrangement that ends it, lost or not looked at."""
        time, lost, unknown = self.spent(duration), 0.0, {}
        for i, found in enumerate(self.rates):
            for target, (rate, k) in found.items():
                number = self.number.get(target)
                if number is None:
                    chance, best, origin, event = unknown.get(target, (0.0, 0.0, 0, 0))
                    flow = time[i] * rate
                    if flow > best:
                        best, origin, event = flow, i, k
                    unknown[target] = (chance + flow, best, origin, event)
                elif self.lost[number]:
                    lost += time[i] * rate
        return lost, unknown

    def explore(self, duration, bound):
        """Solve arrangements until what is not known is small; return probability at least and at most."""
        while True:
            lost, unknown = self.flows(duration)
            rest = sum(one[0] for one in unknown.values())
            if rest < SMALL * max(bound, lost) or len(self.atoms) >= self.most or lost > 0.5:
                return lost, min(lost + rest, 1.0)
            most = sorted(unknown.values(), reverse=True)[: max(FEW, len(self.atoms) // 8)]
            for flow, _, origin, event in most:
                if flow < 0.1 * most[0][0]:
                    break
                self.device.arrange(**self.atoms[origin])
                self.device.fire(event)
                self.add()


def spent(rate, leave, duration, terms=16):
    """Return the mean time (s) in each state within a time, from the first, by rates between and out (1/s).

    By uniformisation over a short step, which is then doubled: positive terms only, so that small chances
    keep their digits; and rows of sum 1, since what rounding adds to them would double as well.
    """
    n = len(leave)
    whole = np.zeros((n + 1, n + 1))
    whole[:n, :n], whole[:n, n] = rate, leave
    out = whole.sum(axis=1)
    fastest = max(float(out.max()), 1e-300)
    doubled = max(int(np.ceil(np.log2(2.0 * fastest * duration))), 0)
    mean = fastest * duration / 2.0**doubled
    weights = poisson.pmf(np.arange(terms), mean)
    beyond = poisson.sf(np.arange(terms), mean)
    jump, power = whole / fastest + np.diag(1.0 - out / fastest), np.eye(n + 1)
    once, stay = np.zeros_like(whole), np.zeros_like(whole)
    for weight, left in zip(weights, beyond, strict=True):
        once, stay = once + weight * power, stay + left / fastest * power
        power = power @ jump
    for _ in range(doubled):
        stay, once = stay + once @ stay, once @ once
        once /= once.sum(axis=1, keepdims=True)
    return stay[0, :n]


def kept(sets, changes=()):
    """Return the configuration of examples/kept_state.toml, with changes, after so many SETs."""
    document = reader.read(KEPT, changes).document()
    form, reset, set_, *waits = document["phase"]
    document["phase"] = [form, *[reset, set_] * sets, *waits]
    return config.parse(document)


def crossing(times, mean, bound):
    """Return between which times (s) mean chances (times, 2) pass a bound; NaN: beyond these times.

    Straight in the logarithms between the times: chances grow with a power of the time while they are small.
    """
    logs = np.log(np.maximum(mean, 1e-300))
    return [float(np.exp(np.interp(np.log(bound), logs[:, side], np.log(times), np.nan, np.nan)))
            for side in (1, 0)]


def interval(rows, of):
    """Return the 95 % interval of ``of(mean over devices)`` by draws of devices, of either bound."""
    random = np.random.default_rng(1)
    drawn = [of(rows[random.integers(len(rows), size=len(rows))].mean(axis=0)) for _ in range(DRAWS)]
    low, high = np.array(drawn, float).T
    return np.nanpercentile(low, 2.5), np.nanpercentile(high, 97.5)


def describe(heat, times, rows, bound, last):
    """Print what all devices lose, when they have lost so many, and how few of them lose less in the end."""
    name = f"{heat:g} K"
    for place, (t, (low, high)) in enumerate(zip(times, rows.mean(axis=0), strict=True)):
        least, most = interval(rows, lambda mean, place=place: mean[place])
        print(f"{name}, {t:g} s: {low:.3g} to {high:.3g} of {len(rows)} states lost in the mean; devices "
              f"drawn again: {least:.2g} to {most:.2g}")
    order = np.argsort(-rows[:, len(times) // 2, 0])
    for worst in range(min(4, len(rows) - 1)):
        left = rows[order[worst:]]
        early, late = crossing(times, left.mean(axis=0), bound)
        least, most = interval(left, lambda mean: crossing(times, mean, bound))
        print(f"{name}: {bound:g} of them after {early:.2g} to {late:.2g} s, without the {worst} that are "
              f"lost first; devices drawn again: {least:.2g} to {most:.2g} s")
    sure, never = (rows[:, -1, 1] < bound).sum(), (rows[:, -1, 0] > 0.5).sum()
    middle = np.median(rows[:, -1], axis=0)
    print(f"{name}, {last:g} s: {sure} of {len(rows)} below {bound:g}, {never} above 0.5, the middle one "
          f"{middle[0]:.2g} to {middle[1]:.2g}", flush=True)


def main():
    """Read the command line; print when the first states are lost."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--first", type=int, default=0, help="number of the first device")
    parser.add_argument("--devices", type=int, default=24)
    parser.add_argument("--sets", type=int, default=1, help="SETs before the wait")
    parser.add_argument("--temperatures", default="358,300", help="K, with commas")
    parser.add_argument("--times", default="1,1e3,1e5,1e7,3.156e7,3.156e8", help="s, with commas")
    parser.add_argument("--bound", type=float, default=1e-6, help="fraction of states whose loss is sought")
    parser.add_argument("--most", type=int, default=MOST, help="arrangements of a device that are solved")
    parser.add_argument("--share", type=float, default=0.5, help="of the conductance, at which it is lost")
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE of the configuration")
    options = parser.parse_args()
    times = [float(one) for one in options.times.split(",")]
    configuration = kept(options.sets, options.set)
    made = [prepared(configuration, options.first + number)[0] for number in range(options.devices)]
    for heat in (float(one) for one in options.temperatures.split(",")):
        rows = []
        for number, device in enumerate(made):
            one = Losses(device, heat, options.most, options.share)
            rows.append([one.explore(t, options.bound) for t in times])
            told = "  ".join(f"{low:.1e} to {high:.1e}" for low, high in rows[-1])
            print(f"{heat:g} K, device {options.first + number}, {1e-3 / one.edge * options.share:.1f} kohm: "
                  f"{told} ({len(one.atoms)} arrangements)", flush=True)
            device.arrange(**one.atoms[0])
        describe(heat, times, np.array(rows), options.bound, times[-1])


if __name__ == "__main__":
    main()

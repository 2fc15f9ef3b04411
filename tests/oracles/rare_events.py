"""Rare events whose probability is known: a lattice gas as a system of walks, sums of positive terms."""

import numpy as np
from scipy.sparse import csr_matrix, diags, identity
from scipy.stats import poisson
from small_boxes import A, SmallBox
from whole_lattice import SMALL, small_material

from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.species import INTERSTITIAL, VACANCY
from frenkel.kinetic.materials.material import Material
from frenkel.rare.splitting import split, together
from frenkel.rare.walks import Passage, Survival


class GasSystem:
    """A lattice gas, from its present state until some time from now (s)."""

    def __init__(self, gas, duration):
        self.gas, self.duration, self.first = gas, duration, gas.state()

    def start(self):
        return self.first

    def state(self):
        return self.gas.state()

    def stream(self, stream):
        return stream

    def go(self, state, time, stream, look):
        gas, end = self.gas, self.duration
        gas.restore(state | {"time": time}, stream=self.stream(stream), keep_solved=True)
        if not look(time) and time < end:
            gas.hold(end - time, stop=lambda *_: look(min(gas.time, end)))


def law_after(matrix, first, duration, most=200_000):
    """Return P(t) of a rate matrix by uniformisation: nothing is subtracted, so 1e-12 keeps its digits."""
    rate = -matrix.diagonal().min()
    step = (identity(matrix.shape[0]) + matrix / rate).T.tocsr()
    now = np.zeros(matrix.shape[0])
    now[first] = 1.0  # a number, or a mask
    steps = np.arange(most)
    weights = poisson.pmf(steps, rate * duration)
    weights = weights[: np.flatnonzero(weights > 0).max() + 1]
    found = np.zeros(len(now))
    for weight in weights:
        found += weight * now
        now = step @ now
    return found


def absorbed(matrix, goal):
    """Return a rate matrix that nothing leaves from the states ``goal`` (mask)."""
    return (diags(np.where(goal, 0.0, 1.0)) @ matrix).tocsr()


def hitting(matrix, first, goal, duration):
    """Return the probability that states ``goal`` are reached within a time (s)."""
    return float(law_after(absorbed(matrix, goal), first, duration)[goal].sum())


def climbing(length, up, down):
    """Return the chance to reach ``length`` before 0 from 1, in closed form, for rates up and down."""
    ratio = down / up
    return (ratio - 1.0) / (ratio**length - 1.0)


def prospects(matrix, goal, duration):
    """Return the probability to reach ``goal`` within a time (s) from every state."""
    return law_after(absorbed(matrix, goal).T.tocsr(), goal, duration)


class Climber:
    """A walk on 0, 1, 2, ... from 1, with 0 as its end: system of `Walks` whose law is `climbing`.

    Parameters
    ----------
    up, down : float
        Rates of a step (1/s).
    seed : int
    shared : bool
        Planted error: all paths have the same random numbers.
    """

    def __init__(self, up, down, seed, *, shared=False):
        self.chance, self.rate, self.site = up / (up + down), up + down, 1
        self.seed, self.shared = seed, shared

    def start(self):
        return 1

    def state(self):
        return self.site

    def go(self, state, time, stream, look):
        key = stream[:1] if self.shared else stream
        random = np.random.Generator(np.random.PCG64DXSM(np.random.SeedSequence(self.seed, spawn_key=key)))
        self.site = state
        stopped = look(time)
        while self.site and not stopped:
            wait, draw = random.random(2)
            time -= np.log1p(-wait) / self.rate
            self.site += 1 if draw < self.chance else -1
            stopped = look(time)


def repeated(process, goal, number, particles, kill, **more):
    """Return independent runs; ``process(repeat)`` makes the process of each."""
    return [
        split(process(k), goal, particles=particles, kill=kill, random=np.random.default_rng([9, k]), **more)
        for k in range(number)
    ]


def joined(runs):
    """Return what runs say together."""
    columns = ([getattr(one, name) for one in runs] for name in ("probability", "variance"))
    return together(*map(np.array, columns), np.array([len(one.levels) for one in runs]))


DEFECTS = [VACANCY.code, INTERSTITIAL.code]


class Box:
    """The box of all states: who has how many defects, and how long a run lasts (s)."""

    def __init__(self, share, defects):
        self.box = SmallBox()
        self.number, self.matrix = self.box.states()
        self.goal = np.array([sum(code in DEFECTS for code in s[0]) >= defects for s in self.number])
        self.duration = share / abs(self.matrix[0, 0])

    def place(self, system):
        """Return the number of the present state."""
        return self.number[tuple(system.gas.engine.codes.tolist()), system.gas.engine.reservoir]

    def passages(self, system=GasSystem):
        """Return exact chance to reach the goal, and what makes processes; the score is ln of prospect."""
        score = np.log(prospects(self.matrix, self.goal, self.duration))
        score[self.goal] = 1.0

        def process(repeat):
            one = system(self.box.gas(), self.duration)
            return Passage(lambda clone: one, (repeat,), lambda it: score[self.place(it)], 1.0)

        return hitting(self.matrix, 0, self.goal, self.duration), process

    def survivals(self, system=GasSystem):
        """Return exact chance to stay away from the goal, and what makes processes."""
        law = law_after(absorbed(self.matrix, self.goal), 0, self.duration)

        def process(repeat):
            one = system(self.box.gas(), self.duration)
            return Survival(lambda clone: one, (repeat,), lambda it: self.goal[self.place(it)])

        return float(law[~self.goal].sum()), process


def hopping_device(number=2, barrier=0.3, changes=(), **more):
    """Return a device of 3 x 3 x 3 sites in which vacancies hop and nothing else happens, at 0.3 V.

    ``changes`` are further numbers of the material, by "section__key".
    """
    share = (number + 0.1) / 27
    column = {"radius": 2 * A, "migration_shift": 0.0, "exchange_shift": 0.0, "vacancy_fraction": share}
    values = SMALL | {f"column__{key}": value for key, value in column.items()}
    values = values | {"vacancy__migration_barrier": barrier} | dict(changes)
    document = small_material("HfO2-volatile", drop=("disorder",), **values).document()
    material = Material(document | {"mechanisms": ["vacancy hop"]}, "hops")
    device = Device(material, 3 * A, 3 * A, temperature=2000.0, seed=4, cache=10_000, **more)
    device.device_voltage = 0.3
    return device


def hopping_chain(device, rates=lambda device: device.rates()):
    """Return of a device in which vacancies hop: its states, its rate matrix, and their conductances (S).

    The states are numbered from the present one, by their species. ``rates(device)`` gives other numbers in
    the place of the rates, such as their derivatives.
    """
    here = device.arrangement()
    number, todo, rows, conductance = {here["species"].tobytes(): 0}, [here["species"]], [], []
    for at, species in enumerate(todo):
        device.arrange(species=species)
        conductance.append(device.conductance)
        table = device.solved().at(0.3).arrays()
        for a, b, rate in zip(table["site_a"], table["site_b"], rates(device), strict=True):
            new = species.copy()
            new[[a, b]] = species[[b, a]]
            if new.tobytes() not in number:
                number[new.tobytes()] = len(number)
                todo.append(new)
            rows.append((at, number[new.tobytes()], rate))
    device.arrange(**here)
    i, j, rate = map(np.array, zip(*rows, strict=True))
    matrix = csr_matrix((rate, (i, j)), shape=(len(number),) * 2)
    return number, matrix - diags(np.asarray(matrix.sum(axis=1)).ravel()), np.array(conductance)

"""Yield of a population: which devices form, and which get stuck in one state over many cycles."""

import math
from dataclasses import dataclass

import numpy as np
from device_cell import FAILED, Cell, Setting, devices, for_each

OPEN = 10.0  # HRS/LRS of a cycle that counts as switching
CLOSED = 10  # cycles below it, one after another, before the stronger pulse
STRONGER = 1.5  # times the voltage of a cycle


@dataclass(frozen=True, kw_only=True)
class Followed:
    """How far a device came.

    Parameters
    ----------
    formed : bool
    cycles : int
        Done.
    stuck : {"", "low", "high"}
        In which state it is stuck.
    cut : str
        Why it was cut short, "" where it was not.
    """

    formed: bool
    cycles: int = 0
    stuck: str = ""
    cut: str = ""


def follow(cycle, pulse, number, middle):
    """Cycle until a device is stuck; return how many cycles it did, and the state that it is stuck in.

    It is stuck where the window is below `OPEN` in `CLOSED` cycles one after another and in the one that
    follows a stronger pulse.

    Parameters
    ----------
    cycle : callable
        Carries out a cycle; returns HRS, LRS (ohm) and whether it SET.
    pulse : callable
        Applies the stronger pulse out of the state that it is given, "low" or "high".
    number : int
        Cycles at most.
    middle : float
        Resistance (ohm) that parts both states as long as no cycle had a window.
    """
    found, opened, closed, state = [], [], 0, ""
    while len(found) < number:
        high, low, has_set = cycle()
        is_open = has_set and high >= OPEN * low
        found.append((high, low))
        if is_open:
            opened.append((high, low))
            closed = 0
            continue
        # The cycle after the pulse decides.
        if closed == CLOSED:
            return len(found), state
        closed += 1
        if closed == CLOSED:
            if opened:
                middle = math.exp(np.log(opened).mean())
            state = "low" if math.exp(np.log(found[-CLOSED:]).mean()) < middle else "high"
            pulse(state)
    return len(found), ""


def followed(material, seeds, number, *, budget=None, workers=None, **setting):
    """Form and cycle one device per seed; return a list of `Followed`.

    Parameters
    ----------
    material, seeds, budget, workers, **setting
        As of `device_cycles.cycles`.
    number : int
        Cycles of each.
    """
    return for_each(_followed, devices(material, seeds), workers, Setting(**setting), number, budget)


def _followed(setting, number, budget, one):
    cell, done = Cell(*one, setting, budget), [0]

    def cycle():
        cell.reset()
        high = cell.read()
        has_set = not math.isnan(cell.set().switched)
        done[0] += 1
        return high, cell.read(), has_set

    def pulse(state):
        if state == "low":
            cell.reset(STRONGER * setting.reset)
        else:
            cell.set(set_to=STRONGER * setting.set_to)

    formed = setting.form_limit is None
    try:
        if not formed:
            formed = not math.isnan(cell.form().switched) and cell.read() < setting.form_read
        if not formed:
            return Followed(formed=False)
        cycles, stuck = follow(cycle, pulse, number, math.sqrt(OPEN) * setting.form_read)
    except FAILED as error:
        return Followed(formed=formed, cycles=done[0], cut=str(error))
    return Followed(formed=True, cycles=cycles, stuck=stuck)

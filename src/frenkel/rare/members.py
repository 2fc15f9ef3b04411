"""One repeat of a splitting, as plain arrays; what the worker processes run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..configuration import device as config
from ..configuration.device import Configuration
from ..configuration.phases import AnyPhase
from ..configuration.points import Members
from ..experiment.protocol import Protocol
from ..kinetic.device import Device
from ..kinetic.waveform import Waveform
from ..mpi_runs.child import Context, Stopped
from .events import Question
from .system import DeviceSystem, arrays, run

Arrays = dict[str, np.ndarray[Any, Any]]


def prepare(settings: Mapping[str, Any]) -> Callable[[int, Context], tuple[Arrays, dict[str, Any]]]:
    """Return what runs one repeat.

    Parameters
    ----------
    settings : mapping
        ``configuration``, with its material, and ``question``: the arguments of `Question`.
    """
    configuration = config.parse(settings["configuration"])
    question = Question(**settings["question"])

    def repeat(number: int, context: Context) -> tuple[Arrays, dict[str, Any]]:
        def pause() -> None:
            if context.stopping():
                raise Stopped

        systems = []
        for start in range(question.starts):
            context.note({"start": start, "of": question.starts})
            device, waveform = prepared(configuration, number * question.starts + start, pause)
            systems.append(DeviceSystem(device, question.waveform(waveform), question, pause))

        def note(stage: int, probability: float) -> None:
            context.note({"stage": stage, "below": probability})

        assert configuration.seed is not None
        numbers = arrays(run(systems, question, configuration.seed, number, note))
        numbers["start_conductance"] = np.array([system.begin for system in systems])
        return numbers, {}

    return repeat


def prepared(
    configuration: Configuration, member: int, pause: Callable[[], None] = lambda: None
) -> tuple[Device, Waveform]:
    """Return a member of an ensemble after all phases but the last, and the waveform of that one.

    The waveform is the whole one, whatever would end the phase early: `to_compliance`, `to_share`, `verify`.
    """
    member_configuration, material = Members(configuration).member(member)
    device = Device(material, **member_configuration.arguments())
    *before, (_, _, last) = member_configuration.phases()
    Protocol(device, before, member_configuration.circuit, member_configuration.read_voltage).go(
        pause=lambda _: pause()
    )
    device.connect((last.circuit or member_configuration.circuit).circuit(last.compliance))
    device.temperature, device.light = member_configuration.temperature_of(last), last.light or 0.0
    return device, whole_waveform(last)


def whole_waveform(phase: AnyPhase) -> Waveform:
    """Return the waveform of a phase, all its parts one after another."""
    waveform, origin = None, 0.0
    for number in range(phase.parts):
        planned = phase.part(number, origin)
        if planned is None:
            continue
        waveform = planned[0] if waveform is None else waveform.then(planned[0])
        origin = planned[0].voltages[-1]
    assert waveform is not None
    return waveform

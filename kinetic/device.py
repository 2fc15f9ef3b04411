"""One device: atoms on a lattice, fields at every change of the network, a circuit around it, one clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ..checks import finite
from ..checks import temperature as check_temperature
from ..threads import one_blas_thread
from ..typing import Floats
from .extremes import Extremes
from .heating import TemperatureRamp
from .run import Record, Run
from .score_function import Number, ScoreFunction
from .solver import Solved, Solver, make_solver
from .state import DeviceState
from .waveform import Waveform

if TYPE_CHECKING:
    from .oxide_heat import OxideHeat

TRANSITION = np.dtype(
    [
        ("mechanism", np.int32),
        ("direction", np.int8),
        ("site_a", np.int32),
        ("site_b", np.int32),
        ("rate", np.float64),
        ("energy", np.float64),
        ("barrier", np.float64),
    ]
)


class Device(DeviceState):
    """A memory cell: a box of oxide between an inert bottom and a reactive top electrode.

    Parameters
    ----------
    material : Material
        Named set of parameters; its mechanisms are what can happen.
    thickness, width : float
        Oxide thickness and lateral size (m); rounded to whole lattice spacings (see `thickness`, `width`).
    circuit : Circuit, optional
        Series resistance and current limit; a bare source by default. May be replaced between waveforms.
    temperature : float
        Temperature of both electrodes (K), 1 to 3000.
    seed : int, optional
        Seed of this device; drawn when missing and kept in `seed`.
    member : int
        Number of this device in an ensemble; together with the seed it fixes every random draw.
    lateral : {"periodic", "reflecting"}
        Sides of the box.
    barrier_shift : mapping of str to ndarray of shape (n_hosts,), optional
        Addition to the barrier (eV) per host site, by name of the mechanism.
    mechanisms : sequence of Mechanism
        Further mechanisms of yours, besides those of the material; their species are those of the material.
    traps : array_like of shape (n, 3) or (n, 4), optional
        Places (m) of the electron traps, and their levels above the Fermi level of the electrodes (eV), in
        place of random ones; each takes the nearest site between the host sites.
    layers : sequence of Layer, optional
        Oxides from the bottom to the top, in place of one; ``thickness`` is that of all together.
    cache : int
        Solved arrangements kept, so that a flickering pair costs no solves.
    precise : bool
        Refine the energy of every event until it settles (about 1e-12 eV, several times slower) rather than
        only where the bound on its error is too large: 1e-6 eV for an event at up to 8 V.
    thermal : Thermal, optional
        Whether heat takes time, and electrodes whose temperature changes; steady heat by default.

    Attributes
    ----------
    time : float
        Time since the device was made (s).
    source_voltage, device_voltage : float
        Present voltages (V); positive is positive at the top electrode.
    floor_events : int
        Events so far whose barrier stood at the floor of its mechanism, or beyond its critical field.
    field_solves : int
        Field solves that runs have taken so far; those of looking at the device do not count.
    solver : Solver
        What solves the fields of the present atoms.
    oxide_heat : OxideHeat or None
        Temperatures in time, where heat takes time.
    weights : ScoreFunction or None
        Derivatives of the likelihood of all waveforms from here on, see `keep_weights`; none by default.

    Raises
    ------
    ValueError
        A size, temperature or seed outside its range.
    """

    weights: ScoreFunction | None = None
    oxide_heat: OxideHeat | None = None

    def make_solver(self, kept: int, precise: bool) -> None:
        """Make the solver of the atoms: the last step of making a device."""
        if self.thermal.transient and self.oxide_heat is None:
            from .oxide_heat import OxideHeat  # a device whose heat is steady does without

            if len(self.stack.planes) > 1:
                raise ValueError("thermal.transient must be false for a device of several layers")
            material = self.stack.material
            self.oxide_heat = OxideHeat(material, self.lattice, self.shape, self.lateral, self.thermal)
        # The table of fields too: its last digits, and with them a run, would follow the number of threads.
        with one_blas_thread():
            self.solver = make_solver(self, kept=kept, precise=precise)

    # ------------------------------------------------------------------ looking

    @property
    def fields(self) -> Any:
        """Compiled fields of the solver."""
        return self.solver.fields

    def solved(self, *, refresh: bool = False) -> Solved:
        """Return fields and event energies of the present atoms, solved unless kept from before."""
        return self.solver.solved(refresh=refresh)

    def forget(self) -> None:
        """Drop the solved arrangements that are kept."""
        self.solver.forget()

    @property
    def conductance(self) -> float:
        """Conductance of the device (S)."""
        return self.solved().conductance

    def current(self, voltage: float) -> float:
        """Return the current (A) at a device voltage (V) without letting time pass."""
        return self.solved().current(voltage)

    @property
    def potential(self) -> Floats:
        """Potential at every host site (V), from the network; event energies add that of space charge."""
        return self.solver.maps(self.device_voltage)[0]

    @property
    def temperature_map(self) -> Floats:
        """Temperature at every host site (K)."""
        # Solves the network, which snapshots read on, where heat takes time too.
        steady = self.solver.maps(self.device_voltage)[1]
        rise = steady if self.oxide_heat is None else self.oxide_heat.everywhere()
        return np.asarray(self.temperature + rise)

    def transitions(self) -> NDArray[np.void]:
        """Return every possible event: mechanism, direction, sites, rate (1/s), energy, barrier (eV)."""
        events = self.solved().at(self.device_voltage)
        events.total(self.device_voltage)
        columns = events.arrays()
        table = np.zeros(events.n, TRANSITION)
        for name in ("mechanism", "direction", "site_a", "site_b", "rate"):
            table[name] = columns[name]
        table["energy"] = events.energies(self.device_voltage)
        table["barrier"] = events.activation(self.device_voltage)
        return table

    def rates(self, voltage: float | None = None, temperature: float | None = None) -> Floats:
        """Return the rate (1/s) of every event that is possible now, in the order of `transitions`.

        Parameters
        ----------
        voltage : float, optional
            Device voltage (V); the present one by default.
        temperature : float, optional
            Of both electrodes (K), 1 to 3000; that of the device by default. Barriers and energies stay:
            bonds and traps keep the conductances of the device's own temperature.

        Returns
        -------
        ndarray of shape (n_events,)
            Their sum is the hazard of the state: the chance per second that anything happens.
        """
        voltage = self.device_voltage if voltage is None else voltage
        finite("voltage", voltage, "V")
        if temperature is not None:
            check_temperature(temperature)
        return self.solved().at(voltage).rates(voltage, temperature)

    # ------------------------------------------------------------------ changing

    def keep_weights(self, numbers: Sequence[Number] = ()) -> ScoreFunction:
        """Keep from now on the derivatives of the likelihood by every barrier and frequency; return them.

        A wait then takes one more look at all rates, and at four voltages where it is a ramp. Traps are not
        averaged over, and superbasins refused: every event must be seen.

        Parameters
        ----------
        numbers : sequence of Number, optional
            Further ones; each pair of `Twins` costs two more solutions of the fields after every event.
        """
        self.weights = ScoreFunction.of(self, numbers)
        return self.weights

    def fire(self, k: int) -> None:
        """Let event ``k`` of `transitions` happen now."""
        self.solved()
        self.engine.catalogue()
        self.engine.fire(k)

    def advance(
        self,
        waveform: Waveform,
        *,
        samples: int = 200,
        label: str | None = None,
        stop: Callable[[Device, float], bool] | None = None,
        budget: int | None = None,
        log: bool = False,
        progress: Callable[[float, Device], None] | None = None,
        superbasin: bool = False,
        extremes: Extremes | None = None,
        temperature: tuple[float, float] | None = None,
    ) -> Record:
        """Apply a source voltage and let the atoms move.

        Parameters
        ----------
        waveform : Waveform
            Source voltage against time; starts now.
        samples : int
            Samples spread evenly over the path of the voltage (over time where it is constant), at least 2.
        label : str, optional
            Name of the phase; the waveform's by default.
        stop : callable, optional
            ``stop(device, current)`` after each event and sample ends the waveform early when true.
        budget : int, optional
            Largest number of events, 0 to 2^63 - 1.
        log : bool
            Keep every event.
        progress : callable, optional
            ``progress(share, device)`` at each sample.
        superbasin : bool
            Where the voltage stands still, leave sets of up to 16 arrangements that the device goes to and
            fro between in one step, by the exact law. Events within a set are neither counted nor logged,
            nor is ``stop`` asked. An oxide that relaxes does so by the sites that wait when a set is entered,
            at 0 V by those that wait in the end.
        extremes : Extremes, optional
            Largest currents of a phase that this waveform goes on with; of the waveform alone by default.
        temperature : tuple of float, optional
            Of the electrodes at the start and at the end (K), between which it is linear in time; the
            device keeps the last one. Waits follow it exactly, conductances in steps of about 0.5 %, see
            `heating`; sets of a superbasin and means over traps too. By default it stays what it is.

        Returns
        -------
        Record

        Raises
        ------
        ValueError
            ``samples`` or ``budget`` is no whole number in its range; ``superbasin`` where weights are kept;
            a temperature that the electrodes cannot have, or one that changes while weights are kept.
        EventBudgetError
            More than ``budget`` events; names the pair of sites that moved most.
        """
        heating = None
        if temperature is not None:
            for kelvin in temperature:
                self.check_temperature(kelvin)
            heating = TemperatureRamp(*temperature, waveform.duration)
        run = Run(
            self,
            self.solver,
            waveform,
            samples=samples,
            label=waveform.label if label is None else label,
            stop=None if stop is None else partial(stop, self),
            budget=budget,
            log=log,
            progress=None if progress is None else lambda share: progress(share, self),
            superbasin=superbasin,
            extremes=extremes,
            weights=self.weights,
            heating=heating,
            set_temperature=self._set_temperature,
            oxide_heat=self.oxide_heat,
        )
        with self._under_way():
            record = run.run()
        if temperature is not None and not run.ended:
            self.temperature = temperature[1]
        return record

    def _set_temperature(self, kelvin: float) -> Solver:
        """Give the electrodes a temperature (K); return what solves the fields from then on."""
        self.temperature = kelvin
        return self.solver

    @contextmanager
    def _under_way(self) -> Iterator[None]:
        """Count field solutions, with BLAS at one thread."""
        self.running = True
        try:
            # Around the whole run: setting the count back after each solve would leave threads spinning.
            with one_blas_thread():
                yield
        finally:
            self.running = False

    def state(self) -> dict[str, Any]:
        """Return everything that changes in a run, temperatures that change in time included."""
        held = super().state()
        return held if self.oxide_heat is None else held | {"heat": self.oxide_heat.field.copy()}

    def restore(
        self, state: dict[str, Any], *, stream: Sequence[int] | None = None, keep_solved: bool = False
    ) -> None:
        """Continue from a `state` of a device made with the same arguments.

        Parameters
        ----------
        state : dict
        stream : sequence of int, optional
            Go on with random numbers of their own, of the stream with these numbers (>= 0), and draw the
            hazard again: an independent future of the same state, another one for each stream. Without it
            the state goes on bit by bit.
        keep_solved : bool
            Keep the solved arrangements, which saves time; those of large networks go: their last digits
            depend on what was solved before. `field_solves` then counts on from what is kept.
        """
        super().restore(state, stream=stream)
        if self.oxide_heat is not None:
            self.oxide_heat.restore(state["heat"])
        if keep_solved:
            self.solver.part()
        else:
            self.solver.forget()

    def branch(self, *stream: int) -> Self:
        """Return a device in the same state whose future is independent of this one's.

        Parameters
        ----------
        *stream : int
            Numbers (>= 0) that tell this branch from others of the same seed and member; equal ones give
            the same future. `restore` with a stream does the same in place, which is quicker.

        Examples
        --------
        >>> futures = [device.branch(number) for number in range(100)]  # doctest: +SKIP
        """
        twin = copy(self)
        twin.engine, twin.running, twin.weights = self.engine.branch(*stream), False, None
        twin.relaxation = None if self.relaxation is None else self.relaxation.copy()
        twin.two_level = None if self.two_level is None else self.two_level.copy()
        twin.oxide_heat = copy(self.oxide_heat)
        twin.draw_hazard()
        twin.draw_patience()
        twin.make_solver(*self.solving)
        return twin

"""Section ``[thermal]`` of a configuration: whether heat takes time, and what electrodes give their heat to.

::

    [thermal]
    transient = true
    top = {resistance = "1e6 K/W", capacity = "1e-15 J/K"}
    surroundings = {resistance = "1e5 K/W", capacity = "1e-12 J/K"}

Without it heat is steady and electrodes keep the temperature of the device.
"""

from typing import Annotated, Any

from pydantic import model_validator

from ..kinetic.thermal import HeatReservoir, Thermal
from .base import Section
from .quantity import reads, writes

ThermalResistance = Annotated[float, reads("K/W", 1.0, 1e12), writes("K/W")]
HeatCapacity = Annotated[float, reads("J/K", 1e-21, 1.0), writes("J/K")]


class ReservoirSection(Section):
    """A body of one temperature that heat leaves through a resistance."""

    resistance: ThermalResistance
    capacity: HeatCapacity


class ThermalSection(Section):
    """Heat in time, and bodies whose temperature changes."""

    transient: bool = False
    bottom: ReservoirSection | None = None
    top: ReservoirSection | None = None
    surroundings: ReservoirSection | None = None

    @model_validator(mode="after")
    def _is_possible(self) -> "ThermalSection":
        self.thermal()
        return self

    @classmethod
    def of(cls, thermal: Thermal) -> "ThermalSection | None":
        """Return the section that a device was made with; None for steady heat."""
        if thermal == Thermal():
            return None
        bodies: dict[str, Any] = {
            name: ReservoirSection.model_construct(resistance=one.resistance, capacity=one.capacity)
            for name, one in thermal.reservoirs.items()
        }
        return cls(transient=thermal.transient, **bodies)

    def thermal(self) -> Thermal:
        """Return what a device is made with."""
        named = {"bottom": self.bottom, "top": self.top, "surroundings": self.surroundings}
        bodies = {
            name: HeatReservoir(one.resistance, one.capacity)
            for name, one in named.items()
            if one is not None
        }
        return Thermal(transient=self.transient, **bodies)

"""How a device gives its heat away: electrodes and surroundings that keep or change their temperature."""

from __future__ import annotations

from dataclasses import dataclass

from ..checks import number


@dataclass(frozen=True, slots=True)
class HeatReservoir:
    """A body of one temperature that heat leaves through a resistance.

    Parameters
    ----------
    resistance : float
        Thermal resistance to what lies beyond (K/W), 1 to 1e12.
    capacity : float
        Heat capacity (J/K), 1e-21 to 1.

    Raises
    ------
    ValueError
        A number outside its range.
    """

    resistance: float
    capacity: float

    def __post_init__(self) -> None:
        number("resistance", self.resistance, 1.0, 1e12, "K/W")
        number("capacity", self.capacity, 1e-21, 1.0, "J/K")


@dataclass(frozen=True, slots=True)
class Thermal:
    """Heat beyond the oxide, and whether heat follows the power at once.

    Parameters
    ----------
    transient : bool
        Solve heat in time; by default the steady temperatures of the present power hold at once.
    bottom, top : HeatReservoir, optional
        Electrodes whose temperature changes; by default they keep the temperature of the device.
    surroundings : HeatReservoir, optional
        What both of them give their heat to; by default it keeps the temperature of the device.

    Raises
    ------
    ValueError
        Reservoirs without ``transient``, or surroundings without an electrode that gives heat to them.
    """

    transient: bool = False
    bottom: HeatReservoir | None = None
    top: HeatReservoir | None = None
    surroundings: HeatReservoir | None = None

    def __post_init__(self) -> None:
        electrodes = self.bottom is not None or self.top is not None
        if (electrodes or self.surroundings is not None) and not self.transient:
            raise ValueError("thermal.transient must be true where an electrode changes its temperature")
        if self.surroundings is not None and not electrodes:
            raise ValueError(
                "thermal.surroundings needs thermal.bottom or thermal.top, which give their heat to it"
            )

    @property
    def reservoirs(self) -> dict[str, HeatReservoir]:
        """Reservoirs that are there, by name: electrodes first."""
        named = {"bottom": self.bottom, "top": self.top, "surroundings": self.surroundings}
        return {name: one for name, one in named.items() if one is not None}

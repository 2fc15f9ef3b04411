from .circuit import NonlinearDevice, OperatingPoint

def curve(
    point: OperatingPoint,
    source: float,
    slope: float,
    duration: float,
    device: NonlinearDevice,
    far: float,
    resolution: float,
    resistance: float,
    low: float,
    high: float,
) -> tuple[float, float, float]: ...
def voltage(source: float, conductance: float, resistance: float, low: float, high: float) -> float: ...
def line(
    source: float,
    slope: float,
    duration: float,
    conductance: float,
    resolution: float,
    resistance: float,
    low: float,
    high: float,
) -> tuple[float, float, float]: ...

from .extremes import Extremes, Moment

SAME: float

def look(found: Extremes, now: Moment, limits: tuple[float, float], slope: float) -> None: ...
def event(
    found: Extremes, before: Moment, after: Moment, limits: tuple[float, float], slope: float
) -> None: ...

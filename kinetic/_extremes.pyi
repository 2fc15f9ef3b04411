from .extremes import CurrentSample, Extremes

SAME: float

def look(found: Extremes, now: CurrentSample, limits: tuple[float, float], slope: float) -> None: ...
def event(
    found: Extremes, before: CurrentSample, after: CurrentSample, limits: tuple[float, float], slope: float
) -> None: ...

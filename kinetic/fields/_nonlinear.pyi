from ._operating import Operating

class Nonlinear(Operating):
    refine: bool
    removal_error: float
    refined: int

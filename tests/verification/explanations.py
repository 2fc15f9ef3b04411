"""Why a row of the table is out of band, in one or two sentences: look, find the cause, write it here.

The text is printed with a row that is out; `test_physics` refuses such a row without one.
"""

SLOW = (
    "A filament held at 50 uA and more is hot and moves without end: the SET is cut by wall time, as are "
    "higher limits."
)
ONE_LAYER = (
    "RESET opens one layer: a hop of one atom closes or opens most of what conducts. Wider gaps are not "
    "set in the 30 us of a ramp, so that the set was found for narrow ones."
)

WHY = {
    "V-01t": "Four devices a thickness: the line is straight, its end at 0 V is within a few errors.",
    "V-02": (
        "Forming takes about as many exchanges as a chain has atoms, each limited by a step that the "
        "field does not help (exchange.floor): times are sums of waits, not those of one hazard."
    ),
    "V-02s": (
        "The step that the field does not help keeps exchange slower than the hop, without which the top "
        "layer fills and blocks; it is a clock, so that faster ramps reach higher voltages."
    ),
    "V-03": (
        "Devices of four to six layers form within 0.2 V of each other: slopes of four devices are no "
        "Weibull plots."
    ),
    "V-07": (
        "States of different gaps, the narrow ones switched by one hop: medians of few devices jump by "
        "decades between voltages."
    ),
    "V-07b": "Few runs a voltage: the change of the slope is within two errors of 0.",
    "V-08t": (
        "The delay is the wait for one hop, and what follows is as long for wide gaps, whose atoms are "
        "moved one by one."
    ),
    "V-12": ONE_LAYER,
    "V-15": (
        "Bonds fall off as exp(-2 d / 0.20 nm), that is over 0.10 nm for the current: the edge of the "
        "band, within its error."
    ),
    "V-14": (
        "The resistance falls as the inverse of the limit, as published; SETs at the highest limit are cut "
        "by wall time, which counts as out."
    ),
    "V-19": "Four filaments: within its error of 0; formed anew in each box it is -0.05 +- 0.05.",
    "V-21": SLOW,
    "V-25a": (
        "HRS is nonlinear: at 0.5 V, long before it switches, it carries a tenth of the limit, where this "
        "row begins."
    ),
    "V-25g": ONE_LAYER,
    "V-25h": ONE_LAYER,
    "V-25w": "Three SETs of a hundred open again before the ramp has ended.",
    "C-02": (
        "HRS scatters by 0.3 decades from cycle to cycle: the drift of four devices over four cycles is "
        "three of its errors from 0."
    ),
    "C-03": "A device whose gap moves to another layer changes its SET voltage for good.",
    "C-05": SLOW,
}

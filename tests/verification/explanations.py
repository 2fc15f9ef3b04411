"""Why a row of the table is out of band, in one or two sentences: look, find the cause, write it here.

The text is printed with a row that is out; `test_physics` refuses such a row without one.
"""

WHY = {
    "V-01t": (
        "Forming is linear in thickness but not through the origin: about 1 V is needed whatever the "
        "thickness; probably to drift the first vacancies together and over the contact."
    ),
    "V-02": (
        "Forming is no hazard exp(gamma V) here: times at one voltage scatter by two decades, and a device "
        "that has not formed early may wait four decades longer, even at a higher voltage; probably as the "
        "first vacancies of the column move before any is made, to where they do not help."
    ),
    "V-02s": (
        "The forming voltage of one small device scatters by 0.8 V, more than decades of ramp rate move "
        "it: a few devices do not settle the slope."
    ),
    "V-03": (
        "Where the first vacancies settle decides when a device forms, at each thickness alike: the "
        "spread is that of the start, not of a percolating column."
    ),
    "V-07": (
        "A gap of two layers shares the voltage among the hops that close it, each of which gains only a "
        "part of it, and the filament on either side is an equipotential."
    ),
    "V-07b": "Few runs a voltage: the change of the slope is within its error of 0.",
    "V-08d": "RESETs of 0.8 to 1.2 times the usual voltage leave the same gap of two layers: one state.",
    "V-08t": "A gap of two layers is closed by few hops, whose times scatter like exponentials.",
    "V-12": "A gap of two layers has few steps of conductance for a train to climb.",
    "V-21": (
        "The weak column is 0.52 nm in radius and exchange outside it costs 1.2 eV more: more current fills "
        "the column, it does not widen the filament."
    ),
    "V-23": (
        "The column starts with 15 % of its sites vacant, so that the first cluster may come anywhere in it; "
        "the vacancies gained before the jump are most in the lower half."
    ),
    "V-25a": (
        "The gap is closed by hops and opened again many times: the current averaged over 20 mV climbs over "
        "0.1 to 0.2 V before the last closing holds."
    ),
    "V-25g": ("In some cycles the filament still breaks in one step at the cathode."),
    "V-25h": "RESET takes two layers off the filament at the cathode, a factor of 10 to 20 in resistance.",
    "C-03": "A device whose gap moves to another layer changes its SET voltage for good.",
    "C-05": "Wide filaments hold so many vacancies that an event takes 10 ms and more: cut by wall time.",
}

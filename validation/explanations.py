"""Why a row of the table is out of band, in a few sentences: look, find the cause, write what was measured.

The text is printed with a row that is out; `test_published_numbers` refuses such a row without one. Figures
are of the default set with the numbers that a sentence names replaced (`published_numbers.py --values`,
`--protocol`, SI units and eV), on 3 to 12 devices of seeds from 6700 on, which no choice saw, where it says
nothing else; those of the default before (77a22e5176bc09c7) on seeds 6100 to 6163.
"""

WHY = {
    "V-03": (
        "Forming is one event (figures of the default before, 77a22e5176bc09c7, whose slopes are 1.1 to "
        "1.2): from the first pair to the limit it takes 0.6 to 5 ns in the median of 12 devices a "
        "thickness, and 80 us at most, after 13 to 26 ms of ramp, since the first pair raises the rate of "
        "the next 3e6 times at 1.56 nm and 5e7 times at 3.64 nm. So slopes are those of one exponential "
        "wait, at any thickness. A heat conductivity of 100 W/(m K), a permittivity of 230, no binding, "
        "and no current over gaps each leave at most 34 us in the median: it is the field that the first "
        "pair leaves to the layers that remain. A chain of cells that fail alone, as in the percolation "
        "model, has no such step."
    ),
    "V-23": (
        "Chance moves twelve devices: of 60 (seeds 6700 to 6759) the first cluster is at the cathode in "
        "0.55 +- 0.06, in the middle in 0.38, at the anode in 0.07; of the default before, "
        "77a22e5176bc09c7, in 0.53 +- 0.06 of the same seeds, so that its row in band (0.83 of twelve) was "
        "luck. Oxygen leaves anywhere in the weak column, so that no electrode begins. Nothing that "
        "changed since moves it: with exchange outside the column, hops or contacts as before 0.55, 0.55 "
        "and 0.62 of 60, without disorder of bonds 0.57."
    ),
    "V-07": (
        "The dipole makes it so: 1.65 e nm over a gap of three layers (0.78 nm) take 2.1 eV a volt, 36 "
        "decades when cold. With 1.2 e nm the intervals from 0.6 V on are 22 to 26 decades a volt, with "
        "0.9 e nm 16 to 27 (19 in the mean, 0.9 to 1.4 V; four devices each), but then cells of 2.6 nm "
        "form at 2.7 and 3.6 V, where 5.2 nm ask for 2 to 4 V. The last interval is flat: at 0.9 V the "
        "first step of SET is at the floor of the barrier, 0.27 eV, 3e-10 s at 300 K."
    ),
    "V-07b": (
        "Few runs of few devices may miss the bend: twelve devices (seeds 6700 to 6711) have -20 +- 4 "
        "decades/V, in band."
    ),
    "V-08t": (
        "The transition is a wait, not an avalanche: of 78 transitions of six devices with 7.5 kohm in "
        "series 56 % of the time, in the median, is on one level of G, 0.31 of LRS. Without a resistor "
        "three runs of one state scatter by 0.85 decades, which alone is beyond the band, and times grow "
        "by 2.7 decades a decade of HRS. In the default before, 77a22e5176bc09c7, with 1.0 instead of 2.8 "
        "W/(m K) heat ran away and the transition took 2e-5 of the delay, as in JART; the spread of 3 "
        "devices was still 0.9 decades."
    ),
    "V-12": (
        "One atom is the step: in all of 24 waits of 8 devices at 0.75 V_SET a single event makes more "
        "than 0.3 of the range of G, 0.67 in the median (0.35 to 0.94), so that no width of the pulse "
        "resolves it. In the default before, 77a22e5176bc09c7, where it was 0.70, a column of 1.05 nm "
        "whose bonds carried a fifth (0.8), 20 kohm in series (0.66), none (1.0), and pulses at 0.9 V_SET "
        "(0.48) did not mend it: a filament that grows sideways after it joins is not what SET at these "
        "limits makes here."
    ),
    "V-15": (
        "Disorder of the bonds makes it so: three gaps of one filament are three bonds drawn at random. Of "
        "60 filaments (seeds 6700 to 6759) R2 is 0.93 in the median, and above 0.98 in 0.28 of them; "
        "without disorder 0.990 and 0.70, in band. The medians of R over filaments lie on a line by 0.998. "
        "The row of the default before, 77a22e5176bc09c7, was in band, 0.995, since its filaments came "
        "from files and were solved without the disorder of their bonds (a fault of the task, mended); on "
        "the same 60 seeds it has 0.92 and 0.28 nm."
    ),
    "V-21": (
        "The bonds carry too much, not the column too little: at 5 kohm a filament of 0.44 nm carries the "
        "limit, so that SET stops. It can widen now: at 200 uA it has 20 vacancies in its widest layer, of "
        "9 in the column, and 0.51 nm in the median of four devices (0.49 to 0.56). 1.5 conductance quanta "
        "a bond are 4.6e5 S/m, a tenth above the largest published value; with a fifth of it filaments of "
        "two devices have 0.41 nm at 30 uA, and 0.62 and 0.66 nm at 100 uA, with 33 and 28 vacancies in "
        "the widest layer."
    ),
    "V-25h": (
        "At its edge: one event makes 50.0 +- 0.8 % of the change, of a gap of five layers (49.95 % of 240 "
        "cycles of twelve devices, seeds 6700 to 6711); below 50 % is asked. A tunnel factor of gaps of "
        "0.10 instead of 0.068, top contact too, gives 46 %, disorder of bonds of 0.2 instead of 0.43 46 % "
        "(50 % of the same six devices as they are)."
    ),
    "C-02": (
        "Few cycles of few devices tell no drift: 240 cycles of twelve devices (seeds 6700 to 6711) have "
        "0.15 +- 0.05 decades over 16 cycles, in band, and means of four cycles of 2.58, 2.42, 2.46, 2.59 "
        "and 2.50 decades of on/off, which is no trend. The four cycles of four devices of a quick table "
        "have 0.36 +- 0.2."
    ),
    "C-03": (
        "Few cycles of few devices tell no drift: 240 cycles of twelve devices (seeds 6700 to 6711) have "
        "0.028 +- 0.01 V over 16 cycles, in band."
    ),
    "C-05": (
        "The limit is held in every SET that ends, to 200 uA in all of four devices (at 1,720 to 1,890 K); "
        "those to 500 uA do not end within the 40 s of CPU time of a device. With 28 instead of 2.8 W/(m "
        "K) one to 500 uA ends, held, after 71,723 events at 1,783 K at most, at 2.2 kohm where 1.6 count "
        "as on. In the default before, 77a22e5176bc09c7, whose filament could not widen, SETs to 200 uA "
        "did not end."
    ),
}

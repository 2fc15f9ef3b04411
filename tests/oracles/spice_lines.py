"""An array of sinh cells as a circuit for ngspice, to compare with."""

import numpy as np


def netlist(cells, network):
    """Return a circuit that writes the currents of all sources to ``out.txt``, word lines first.

    Cells are current sources A sinh(V/V0), not diodes, which would carry ngspice's own kT/q. A source's
    current is that into it: minus what it gives.

    Parameters
    ----------
    cells : Cells
        With a sinh law, or linear.
    network : Network
        Lines of finite resistance, word lines driven at the left and bit lines held at the bottom.

    Raises
    ------
    ValueError
        Cells of another law, or other ends connected.
    """
    law, bias = cells.sinh_law(), network.bias
    if law is None:
        raise ValueError("cells must have a sinh law for a netlist")
    if [bool(on.all()) for on in bias.connected] != [True, False, False, True]:
        raise ValueError("a netlist needs word lines driven at the left and bit lines held at the bottom")
    (m, n), lines = cells.shape, network.lines
    word, bit = lines.word_segments.copy(), lines.bit_segments.copy()
    word[:, 0] += lines.word_source_resistance
    bit[-1] += lines.bit_source_resistance
    text = ["array", ".options reltol=1e-9 abstol=1e-16 vntol=1e-12 itl1=500 klu"]
    for i, volts in enumerate(bias.word_left):
        text += [f"vw{i} s{i} 0 dc {volts:.17g}", f"rw{i}_0 s{i} w{i}_0 {word[i, 0]:.17g}"]
        text += [f"rw{i}_{j} w{i}_{j - 1} w{i}_{j} {word[i, j]:.17g}" for j in range(1, n)]
    for j, volts in enumerate(bias.bit_bottom):
        text += [f"vb{j} e{j} 0 dc {volts:.17g}", f"rb{m}_{j} b{m - 1}_{j} e{j} {bit[m, j]:.17g}"]
        text += [f"rb{i}_{j} b{i - 1}_{j} b{i}_{j} {bit[i, j]:.17g}" for i in range(1, m)]
    for (i, j), a in np.ndenumerate(law[0]):
        across = f"(v(w{i}_{j})-v(b{i}_{j}))"
        v0 = law[1][i, j]
        flows = f"{a:.17g}*{across}" if np.isinf(v0) else f"{a:.17g}*sinh({across}/{v0:.17g})"
        text.append(f"bc{i}_{j} w{i}_{j} b{i}_{j} i={flows}")
    wanted = " ".join([*(f"i(vw{i})" for i in range(m)), *(f"i(vb{j})" for j in range(n))])
    text += [".control", "op", "set numdgt=15", "set wr_singlescale", "set wr_vecnames"]
    return "\n".join([*text, f"wrdata out.txt {wanted}", "quit", ".endc", ".end", ""])

# ruff: noqa: E501, W291
"""Write the tables of this folder and what stands in them, without any code of frenkel.

Each file has the layout of an instrument or of a public file (README.md) and numbers of its own: the values are
chosen first, rounded, written into the file in its units and marks, and written in SI into expected/*.json.
Run it in this folder; it needs numpy, scipy, openpyxl and, for .xls, xlwt.
"""

import json
from pathlib import Path

import numpy as np
import openpyxl
import scipy.io

HERE = Path(__file__).parent
RANDOM = np.random.default_rng(39)
np.set_printoptions(legacy="1.25")  # repr of a number is the number
AREA = 0.01e-6  # m2, of the pads of the ferroelectric tester


def sig(x, digits=6):
    """Round to significant digits, as an instrument prints them."""
    return [float(f"{value:.{digits - 1}e}") for value in np.atleast_1d(x)]


def loop(hrs, lrs, v_set, v_reset, *, top=1.5, bottom=-1.6, step=0.05, limit=1e-3, start=None, noise=0.01):
    """Return voltage (V) and current (A) of a SET under a limit and a RESET, 0 to top to 0 to bottom to 0."""
    up, down = np.arange(0, top + step / 2, step), -np.arange(0, -bottom + step / 2, step)
    volts = np.concatenate([up, up[::-1][1:], down[1:], down[::-1][1:]])
    ohms, amperes = start or hrs, []
    for k, v in enumerate(volts):
        if k < len(up) and v >= v_set - 1e-9:
            ohms = lrs
        elif v <= v_reset + 1e-9:
            ohms = hrs
        amperes.append(min(v / ohms * (1 + noise * RANDOM.standard_normal()), limit))
    return np.round(volts, 4) + 0.0, np.array(sig(amperes))


def some(cycles, **kind):
    """Return loops of one cell that differ."""
    return [loop(1e5 * RANDOM.lognormal(0, 0.2), 5e3 * RANDOM.lognormal(0, 0.05), RANDOM.uniform(0.75, 0.95),
                 RANDOM.uniform(-1.2, -1.0), **kind) for _ in range(cycles)]  # fmt: skip


def write(name, text, encoding="utf-8", newline="\n"):
    path = HERE / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.replace("\n", newline).encode(encoding))


def expect(case, **what):
    """Write what stands in a case, in SI."""
    def plain(x):
        if isinstance(x, dict):
            return {key: plain(one) for key, one in x.items()}
        if isinstance(x, (list, tuple, np.ndarray)):
            return [plain(one) for one in x]
        return None if isinstance(x, float) and np.isnan(x) else x.item() if isinstance(x, np.generic) else x

    folder = HERE / "expected"
    folder.mkdir(exist_ok=True)
    (folder / f"{case}.json").write_text(json.dumps(plain(what), separators=(",", ":")) + "\n")


def expect_loops(case, loops, device, **more):
    """Write expected loops of one device, or of several where device is a list; cycles count from 1 in each."""
    names = device if isinstance(device, list) else [device] * len(loops)
    rows, seen = [], {}
    for name, pair in zip(names, loops, strict=True):
        seen[name] = seen.get(name, 0) + 1
        rows.append({"device": name, "cycle": seen[name], "voltage": pair[0], "current": pair[1]})
    expect(case, kind="loops", loops=rows, **more)


SETUP = """SetupTitle, {title}
PrimitiveTest, {primitive}
TestParameter, Context.MainFrame, {frame}
TestParameter, Channel.UnitType, SMU, SMU, SMU
TestParameter, Channel.Unit, SMU1:HR, SMU2:HR, SMU3:MP
TestParameter, Channel.IName, {inames}
TestParameter, Channel.VName, {vnames}
TestParameter, Channel.Mode, {mode}
TestParameter, Channel.Func, {func}
TestParameter, Channel.Index, 
TestParameter, Channel.Time, {time}
TestParameter, Measurement.Primary.Locus, Double
TestParameter, Measurement.Primary.Scale, LINEAR
TestParameter, Measurement.Primary.Start, 0
TestParameter, Measurement.Primary.Compliance, 0.001
{functions}TestParameter, Output.List.Data, {names}
MetaData, TestRecord.EntryPoint, true
MetaData, TestRecord.RecordTime, 04/18/2024 10:02:1{k}
MetaData, TestRecord.IterationIndex, {k}
MetaData, TestRecord.Remarks, 
AnalysisSetup, Analysis.Setup.Vector.Graph.Enabled, true
AnalysisSetup, Analysis.Setup.Vector.Graph.Operation.Line1.Cursor1.NormalX, 0.5
AnalysisSetup, Analysis.Setup.Vector.Graph.Preference.BackgroundColor, -1
AnalysisSetup, Analysis.Setup.Title, {title}
"""


def easyexpert(columns, names, k=1, **setup):
    """Return one record of EasyEXPERT as text."""
    given = {"frame": "B1500A", "primitive": "I/V Sweep", "time": "", "functions": ""} | setup
    rows = len(columns[0])
    lines = [SETUP.format(names=", ".join(names), k=k, **given) + "Dimension1, " + ", ".join([str(rows)] * len(names)),
             "Dimension2, " + ", ".join(["1"] * len(names)), "DataName, " + ", ".join(names)]  # fmt: skip
    lines += ["DataValue, " + ", ".join(repr(float(x)).upper() for x in row) for row in zip(*columns, strict=True)]
    return "\n".join(lines) + "\n"


def keysight():
    (v, i), = some(1)
    sweep = {"title": "IV Channel Sweep", "inames": "DrainI, SrcI, I3", "vnames": "DrainV, SrcV, V3",
             "mode": "V, COMMON, V", "func": "VAR1, CONST, CONST"}  # fmt: skip
    write("easyexpert_iv.csv", "\n" + easyexpert([v, i], ["DrainV", "DrainI"], **sweep), newline="\r\n")
    expect_loops("easyexpert_iv", [(v, i)], "easyexpert_iv")

    loops = some(4)
    text = "\n"
    for k, (v, i) in enumerate(loops, 1):
        gate, leak = np.full(len(v), 1.6), np.array(sig(1e-12 * RANDOM.standard_normal(len(v))))
        text += easyexpert(
            [v, gate, leak, i, np.abs(i), np.abs(leak)], ["Vte", "Vg", "Ig", "Ite", "absIte", "absIg"], k,
            title="1T1R SET RESET", inames="Ig, Ite, I1", vnames="Vg, Vte, V1", mode="V, V, COMMON",
            func="CONST, VAR1, CONST",
            functions="TestParameter, Function.User.Name, absIte, absIg\n"
            "TestParameter, Function.User.Unit, A, A\n"
            "TestParameter, Function.User.Definition, abs(Ite), abs(Ig)\n")  # fmt: skip
    write("easyexpert_blocks.csv", "\ufeff" + text, newline="\r\n")
    expect_loops("easyexpert_blocks", loops, "easyexpert_blocks", gate_voltage=1.6)

    time = np.round(np.arange(200) * 0.01 + 1.00041, 5)
    current = np.array(sig(2e-5 * (1 + 0.1 * (np.arange(200) // 37 % 2) + 0.004 * RANDOM.standard_normal(200))))
    text = easyexpert([time, np.full(200, 0.1), current], ["Time", "Vte", "Ite"], title="I/V-t Sampling",
                      primitive="I/V-t Sampling", inames="Ite, Ibe, I3", vnames="Vte, Vbe, V3",
                      mode="V, COMMON, V", func="CONST, CONST, CONST", time="Time")  # fmt: skip
    write("easyexpert_sampling.csv", "\ufeff\n" + text, newline="\r\n")
    expect("easyexpert_sampling", kind="trace", traces=[{"device": "easyexpert_sampling", "time": time - time[0],
           "current": current, "voltage": 0.1}])  # fmt: skip


def four_two_hundred():
    import xlwt

    settings = ["=" * 34, "Run1", "=" * 34, None, ("Test Name", "vds-id#1@1"), ("Mode", "Sweeping"), ("Speed", "Normal"),
                ("Sweep Delay", 0), ("Device Terminal", "Drain", "Source", "Gate"), ("Instrument", "SMU1", "GNDU", "SMU2"),
                ("Compliance", 0.001, "N/A", 0.1)]  # fmt: skip

    def sheets(book, tables):
        for title, rows in tables.items():
            sheet = book.add_sheet(title)
            for r, row in enumerate(rows):
                for c, cell in enumerate(row if isinstance(row, (list, tuple)) else [row]):
                    if cell is not None:
                        sheet.write(r, c, cell)

    loops = some(3)
    book, names = xlwt.Workbook(), [f"{name}({k})" for k in (1, 2, 3) for name in ("DrainI", "DrainV", "GateV")]
    rows = [names, *[[x for v, i in loops for x in (i[r], v[r], 1.5)] for r in range(len(loops[0][0]))]]
    sheets(book, {"Data": rows, "Calc": [], "Settings": settings})
    book.save(HERE / "clarius_gate.xls")
    expect_loops("clarius_gate", loops, "clarius_gate", gate_voltage=1.5)

    loops = some(3)
    book, tables = xlwt.Workbook(), {}
    for k in (3, 2, 1):  # the latest run comes first
        v, i = loops[k - 1]
        rows = [["AnodeI", "AnodeV", "Time", "STARTI", "VT"]]
        rows += [[i[r], v[r], 0.02 * r, *((0.001, 0.83) if r == 0 else (None, None))] for r in range(len(v))]
        tables[f"Run{k + 16}"] = rows
    sheets(book, {"Run19": tables["Run19"], "Calc": [], "Settings": settings, "Run18": tables["Run18"],
                  "Run17": tables["Run17"]})  # fmt: skip
    book.save(HERE / "clarius_runs.xls")
    expect_loops("clarius_runs", loops, "clarius_runs")

    loops = some(4)
    names = [f"{name}({k})" for k in (1, 2, 3, 4) for name in ("AnodeI", "AnodeV", "Time")]
    rows = [",".join(names)]
    rows += [",".join(f"{x:.5E}" for v, i in loops for x in (i[r], v[r], 0.031 * r)) for r in range(len(loops[0][0]))]
    write("clarius_side.csv", "\n".join(rows) + "\n", newline="\r\n")
    expect_loops("clarius_side", [(v, np.array(sig(i))) for v, i in loops], "clarius_side")


def excel_lists():
    """The list of EasyEXPERT, copied into a book: pairs of columns under eight lines, with dashes at the ends."""
    book = openpyxl.Workbook()
    devices, cycles = some(5), some(4)
    longest = len(devices[0][0]) + 3
    sheet = book.active
    sheet.title = "devices"
    for name, cells in (("Cycle 1", "--"), ("BIAS 1", "--"), ("Voltage (V)", "Current (A)")):
        sheet.append([x for _ in devices for x in (name, cells)])
    for r in range(longest):
        if r == 61:  # 0 V between SET and RESET
            for name in ("Cycle 1", "BIAS 2"):
                sheet.append([x for _ in devices for x in (name, "--")])
        sheet.append([x for v, i in devices for x in ((v[r], i[r]) if r < len(v) else ("--", "--"))])
    sheet = book.create_sheet("cycles")
    head = [("Test time", 0.55346), ("Device ID", "W7_0.4um_DC"), ("Count", 1), ("Flags", None), ("Remarks", None),
            ("Name", "Port1"), ("Value", "SMU3:HR"), ("Name", "Temp"), ("Value", 25), ("V1", "I1")]  # fmt: skip
    for name, cell in head:
        sheet.append([x for k in range(len(cycles)) for x in (name, k + 1 if name == "Count" else cell)])
    for r in range(len(cycles[0][0])):
        sheet.append([x for v, i in cycles for x in (v[r], i[r])])
    book.save(HERE / "list.xlsx")
    expect_loops("list_devices", devices, [str(k + 1) for k in range(len(devices))])
    expect_loops("list_cycles", cycles, "list")


def pulses_and_reads():
    """A pulse a row: numpy's savetxt with five reads of a current; and a tab table with both reads."""
    n = 40
    volts = np.where(np.arange(n) < 20, 4.2, -3.8)
    current = -np.array([sig(np.array(row)) for row in
                         1e-9 * np.outer(1 + 0.05 * np.minimum(np.arange(n), n - np.arange(n)), np.ones(5))
                         * (1 + 0.01 * RANDOM.standard_normal((n, 5)))])  # fmt: skip
    rows = np.column_stack([volts, np.full(n, 5e-7), np.full(n, 1000.0), np.full(n, -0.1), current])
    text = "# pulse_v,pulse_width,num_applied,meas_v,i_0,i_1,i_2,i_3,i_4\n"
    text += "\n".join(",".join(f"{x:.18e}" for x in row) for row in rows) + "\n"
    write("pulses_reads.csv", text)
    expect("pulses_reads", kind="pulses", pulses={"device": ["pulses_reads"] * n, "voltage": volts,
           "width": np.full(n, 5e-7), "conductance": current[:, 0] / -0.1})  # fmt: skip

    time, ohms = np.round(np.arange(60) * 30.00397, 5), np.array(sig(1.5e7 * RANDOM.lognormal(0, 0.05, 60)))
    rows = np.column_stack([ohms, time, np.full(60, 1.45e7), np.full(60, 1.6e7)])
    text = "# resistance (ohms),time (s),res min,res_max\n"
    write("retention.csv", text + "\n".join(",".join(f"{x:.18e}" for x in row) for row in rows) + "\n")
    expect("retention", kind="reads", reads={"device": ["retention"] * 60, "time": time, "conductance": 1 / ohms})

    address = np.repeat(np.arange(0, 16, 2), 6)
    pulse, gate = np.tile(np.arange(1, 7) * 0.5, 8), np.tile([0.5, 1.5, 2.5], 16)
    before = np.array(sig(RANDOM.lognormal(np.log(1.2e5), 0.1, 48), 10))
    after = np.array(sig(before / np.where(gate > 1, RANDOM.lognormal(1, 0.3, 48), 1.0), 10))
    rows = zip(address, np.full(48, 2e-8), pulse, gate, before, after, strict=True)
    write("set_sweep.tsv", "\n".join("\t".join(str(x) for x in row) for row in
          ([int(a), float(w), float(p), float(g), float(b), float(c)] for a, w, p, g, b, c in rows)) + "\n")  # fmt: skip
    expect("set_sweep", kind="pulses", pulses={"device": [str(a) for a in address], "voltage": pulse,
           "width": np.full(48, 2e-8), "gate_voltage": gate, "conductance_before": 1 / before,
           "conductance": 1 / after})  # fmt: skip


def wide():
    """Pairs of columns without any header, one polarity: both switch above 0 V (unipolar)."""
    loops = []
    for _ in range(4):
        v = np.concatenate([np.arange(0, 1.21, 0.04), np.arange(1.2, -0.01, -0.04)])
        hrs, lrs, reset, v_set = 4e5 * RANDOM.lognormal(0, 0.1), 2e3 * RANDOM.lognormal(0, 0.05), 0.5, 1.5
        out = np.where(np.abs(v) >= reset, v / hrs, v / lrs)
        out[len(v) // 2 :] = v[len(v) // 2 :] / hrs
        w = np.concatenate([np.arange(0, 2.01, 0.04), np.arange(2.0, -0.01, -0.04)])
        up = np.where(w >= v_set, np.minimum(w / lrs, 2e-4), w / hrs)
        up[len(w) // 2 :] = np.minimum(w[len(w) // 2 :] / lrs, 2e-4)
        loops.append((np.round(np.concatenate([v, w[1:]]), 3) + 0.0, np.array(sig(np.concatenate([out, up[1:]]), 5))))
    rows = [",".join(repr(float(x)) for v, i in loops for x in (v[r], i[r])) for r in range(len(loops[0][0]))]
    write("matrix.csv", "\n".join(rows) + "\n")
    expect_loops("matrix", loops, "matrix")

    loops = some(3)
    rows = ["V 1,I 1,V 2,I 2,V 3,I 3"]
    rows += [",".join(repr(float(x)) for v, i in loops for x in (v[r] * 1e3, i[r] * 1e6)) for r in range(len(loops[0][0]))]
    write("pairs.csv", "\n".join(rows) + "\n")
    expect_loops("pairs", loops, "pairs")

    hours, names = [0.0, 1.0, 10.0, 100.0], [f"R{r}C{c}" for r in range(3) for c in range(4)]
    start = RANDOM.lognormal(np.log(80e-6), 0.3, len(names))
    g = np.array([sig(1e6 * s * np.array([1.0, 0.97, 0.94, 0.9]) * RANDOM.lognormal(0, 0.01, 4), 5) for s in start])
    rows = ["device,0 h,1 h,10 h,100 h", *[",".join([name, *map(repr, map(float, row))]) for name, row in
            zip(names, g, strict=True)]]  # fmt: skip
    write("device_rows.csv", "\n".join(rows) + "\n")
    expect("device_rows", kind="reads", reads={"device": np.repeat(names, 4).tolist(), "time": np.tile(hours, 12) * 3600,
           "conductance": g.ravel() * 1e-6})  # fmt: skip


def stamps():
    """A source meter's own script: date and time in words, no units."""
    loops = some(3)
    v, i = (np.concatenate(column) for column in zip(*loops, strict=True))
    rows, seconds = ["Timestamp;Current;Voltage"], 24.60920304
    for k in range(len(v)):
        now = seconds + 0.0064 * k
        rows.append(f"02/13/2021 02:16:{now:012.9f};{i[k]!r};{float(v[k])!r}")
    write("stamps.csv", "\n".join(rows) + "\n")
    expect_loops("stamps", loops, "stamps", step=0.0064)


def densities():
    """A ferroelectric tester: densities, with the area in the header of the .dat and nowhere in the .tsv."""
    area = AREA
    for name in ("leakage.tsv", "leakage.dat"):
        (v, i), = some(1, step=0.1)
        density = np.array(sig(i / area * 1e2, 7))  # uA/cm2
        rows = [f"{a:.6e}\t{b:.6e}\t{b * 1.01:.6e}" for a, b in zip(v, density, strict=True)]
        if name == "leakage.tsv":
            head = "Voltage V\tLeakage Current Density uA_per_cm2\tMedian Current Density uA_per_cm2\n"
        else:
            head = (
                "LeakageResult\n\nTable 1\nIndex [1]\tMeasurement Status [1]\tRav [Ohm]\tStep Duration [s]\n"
                "1.000000e+000\t0.000000e+000\t5.941130e+007\t2.000000e+000\n\nLeakage\n"
                "Program: aixPlorer Software version 3.0.25.0\nTimeStamp: 06/26/2017 14:13:30\nTfaFileType: data\n\n"
                "Table 1\nTimestamp: 06/26/2017 14:13:30\nSampleName: D5_die82\nArea [mm2]: 0.01\nThickness [nm]: 10\n"
                "Step Duration [s]: 2\nCycles: 1\nImax+ [A]: 6.04935e-004\nMeasurement Status: 0\n"
                "Voltage [V]\tLeakage Current Density [uA/cm2]\tMedian Current Density [uA/cm2]\t\n")  # fmt: skip
            rows = [row + "\t" for row in rows]
        write(name, head + "\n".join(rows) + "\n")
        expect_loops(name.replace(".", "_"), [(v, density * 1e-2 * area)], name.split(".")[0])


def scope():
    """An oscilloscope: two voltages, the second that over a resistor of 10 kohm in series."""
    loops = some(2, limit=np.inf)
    v, i = (np.concatenate(column) for column in zip(*loops, strict=True))
    second = np.array(sig(i * 1e4))
    rows = ["x-axis,1,2", "second,Volt,Volt"]
    rows += [f"{-0.05 + 6.25e-6 * k:.7E},{v[k]:+.6f},{second[k]:+.5E}" for k in range(len(v))]
    write("scope.csv", "\n".join(rows) + "\n")
    split = len(loops[0][0])
    expect_loops("scope", [(v[:split], second[:split] / 1e4), (v[split:], second[split:] / 1e4)], "scope")


def numbers_of_devices():
    """A device a row, units after an underscore, many columns that are not read."""
    names = ["CC1", "CC2", "CC4", "CD1", "CD3", "CE2", "CE5", "CF1"]
    v_set, v_reset = np.array(sig(RANDOM.normal(1.2, 0.1, 8), 5)), np.array(sig(RANDOM.normal(-0.9, 0.1, 8), 5))
    on, off = np.array(sig(RANDOM.lognormal(np.log(3e-5), 0.2, 8))), np.array(sig(RANDOM.lognormal(np.log(3e-9), 0.5, 8)))
    rows = ["filename,chip,device_id,condition,n_points,dual_sweep,v_max_V,switching_state,v_set_V,v_reset_V,i_on_A,"
            "i_off_A,on_off_ratio,current_limit_A,error"]  # fmt: skip
    rows += [f"Chip#1-{n} Run {k}.csv,Chip#1,{n},MemEffect-Dark,3999,Enabled,2.0,switched,{v_set[k]!r},{v_reset[k]!r},"
             f"{on[k]!r},{off[k]!r},{on[k] / off[k]:.2f},0.1," for k, n in enumerate(names)]  # fmt: skip
    write("device_numbers.csv", "\n".join(rows) + "\n")
    expect("device_numbers", kind="cycles", cycles={"device": names, "cycle": [1] * 8, "set_voltage": v_set,
           "reset_voltage": v_reset})  # fmt: skip

    n = 30
    lrs, hrs = np.array(sig(RANDOM.lognormal(np.log(1.6e-4), 0.1, n))), np.array(sig(RANDOM.lognormal(np.log(1.5e-6), 0.4, n)))
    v_set, v_reset = np.round(RANDOM.normal(0.8, 0.1, n), 2), np.round(RANDOM.normal(-0.7, 0.1, n), 2)
    rows = ["Cycle,SET_negative#1,SET_negative#1,SET_negative#1,SET_negative#1,RESET_positive#1,RESET_positive#1,"
            "RESET_positive#1,CVS#1", "Index,ILRS,IHRS,VSET,RATIO_SET_NEG,ILRS,VRESET,IRESET,Time"]  # fmt: skip
    rows += [f"{k + 1},{float(lrs[k])!r},{float(hrs[k])!r},{float(v_set[k])!r},{lrs[k] / hrs[k]:.6f},"
             f"{lrs[k] * 0.99:.6e},{float(v_reset[k])!r},{lrs[k] * 3:.6e}" for k in range(n)]  # fmt: skip
    write("endurance_ratio.csv", "\n".join(rows) + "\n")
    expect("endurance_ratio", kind="cycles", cycles={"device": ["endurance_ratio"] * n, "cycle": list(range(1, n + 1)),
           "hrs": 0.1 / hrs, "lrs": 0.1 / lrs, "set_voltage": v_set, "reset_voltage": v_reset})  # fmt: skip


def arc_one():
    """A session of ArC ONE: pulses and reads of two cells; a read has the width 0."""
    rows, out = ["Session 1", "Thu Apr 18 10:02:11 2024",
                 "Wordline,Bitline,Resistance,Amplitude (V),Pulse width (s),Tag,ReadTag,ReadVoltage"], []  # fmt: skip
    for word, bit in ((1, 1), (2, 5)):
        ohms = np.array(sig(RANDOM.lognormal(np.log(2e4), 0.05) * np.exp(-0.03 * np.arange(21)), 9))
        for k in range(21):
            volts, width, tag = (0.5, 0.0, "S R2 V=0.5") if k == 0 else (1.2, 1e-4, "P")
            rows.append(f"{word},{bit},{float(ohms[k])!r},{volts},{width},{tag},S R2 V=0.5,0.5")
            out.append((f"W{word}B{bit}", volts if k else 0.0, width if k else float("nan"), 1 / ohms[k]))
    write("arc_one.csv", "\n".join(rows) + "\n", newline="\r\n")
    names, volts, widths, g = zip(*out, strict=True)
    expect("arc_one", kind="pulses", pulses={"device": names, "voltage": volts, "width": list(widths), "conductance": g})


def radiant():
    loops = some(1)
    (v, i), = loops
    current = np.array(sig(i * 1e3))
    head = ["Hysteresis Data Version: 5.30", "Task Name:\tloop_1", "Points:\t" + str(len(v)), "Volts:\t1.5",
            "Hysteresis Period (ms):\t10", "Profile:\tStandard Bipolar", "Preset Delay (ms):\t1000",
            "Sample Area (cm2):\t0.0001", "Sample Thickness (µm):\t0.02", "Tester Name:\tPrecision Premier II", ""]  # fmt: skip
    head += ["Point\tTime (ms)\tDrive Voltage (V)\tMeasured Polarization (µC/cm2)\tCapacitance (uF)\t"
             "Normalized Capacitance (µF/cm2)\tDielectric Constant\tInstantaneous Current (mA)"]  # fmt: skip
    charge = np.cumsum(i) * 1e-5
    rows = [f"{k + 1}\t{0.1 * k:.4f}\t{v[k]:.5f}\t{charge[k]:.6e}\t1.2e-06\t0.012\t27.1\t{float(current[k])!r}" for k in range(len(v))]
    write("radiant.txt", "\n".join(head + rows) + "\n", encoding="cp1252", newline="\r\n")
    expect_loops("radiant", [(v, current * 1e-3)], "radiant")


def matlab():
    loops = some(4)
    v, i = (np.column_stack(column) for column in zip(*loops, strict=True))
    scipy.io.savemat(HERE / "loops.mat", {"V": v, "I": i, "note": "IV sweeps"}, do_compression=True)
    expect_loops("loops_mat", loops, "loops")


def keithley():
    loops = some(3)
    v, i = (np.concatenate(column) for column in zip(*loops, strict=True))
    head = "Index,Reading,Unit,Range Digits,Display Digits,Math,Origin,Value,Unit,Digits,Output,Sense,Date,Time,Relative Time"
    rows = [head] + [f"{k + 1},{i[k]:.7E},Amp DC,6.5,6.5,None,Programmed,{v[k]:.6E},Volt DC,6.5,On,2W,04/18/2024,"
                     f"10:02:{11 + 0.02 * k:08.5f},{0.02 * k:.6f}" for k in range(len(v))]  # fmt: skip
    write("keithley_2450.csv", "\n".join(rows) + "\n", newline="\r\n")
    expect_loops("keithley_2450", loops, "keithley_2450")

    loops = some(2)
    v, i = (np.concatenate(column) for column in zip(*loops, strict=True))
    rows = [f"{v[k]:+.6E},{i[k]:+.6E},+9.910000E+37,{12.5 + 0.03 * k:+.6E},+{21508 if k % 2 else 21516:.6E}" for k in range(len(v))]
    write("keithley_2400.txt", "\n".join(rows) + "\n")
    expect_loops("keithley_2400", loops, "keithley_2400")


def several():
    """One file a cycle; two files that need a mapping each."""
    loops = some(5)
    for k, (v, i) in enumerate(loops, 1):
        write(f"per_cycle/cycle_{k * 2:02d}.txt", "Voltage (V)\tCurrent (mA)\n" + "\n".join(
              f"{a:.3f}\t{b * 1e3!r}" for a, b in zip(v, map(float, i), strict=True)) + "\n")  # fmt: skip
    expect_loops("per_cycle", [(v, i) for v, i in loops], "cycle")

    (v, i), (w, j) = some(2)
    write("two_maps/wafer_a.csv", "bias;resp\n" + "\n".join(f"{a:.3f};{b!r}" for a, b in zip(v, map(float, i), strict=True)) + "\n")
    write("two_maps/wafer_b.txt", "\n".join(f"{b * 1e6!r} {a * 1e3:.1f}" for a, b in zip(w, map(float, j), strict=True)) + "\n")
    expect_loops("two_maps", [(v, i), (w, j)], ["wafer_a", "wafer_b"])


def others():
    n = 25
    hrs, lrs = np.array(sig(RANDOM.lognormal(np.log(3e5), 0.3, n))), np.array(sig(RANDOM.lognormal(np.log(8e3), 0.1, n)))
    rows = ["Cycle,State,R (kOhm)"]
    rows += [f"{k + 1},{state},{float(ohms) / 1e3!r}" for k in range(n) for state, ohms in (("HRS", hrs[k]), ("LRS", lrs[k]))]
    write("alternating.csv", "\n".join(rows) + "\n")
    expect("alternating", kind="cycles", cycles={"device": ["alternating"] * n, "cycle": list(range(1, n + 1)),
           "hrs": hrs, "lrs": lrs})  # fmt: skip

    loops = some(3)
    v, i = (np.concatenate(column) for column in zip(*loops, strict=True))
    with np.errstate(divide="ignore"):
        log = np.round(np.log10(np.maximum(np.abs(i), 1e-13)), 6)
    rows = ["V (V),log10|I| (A)", *[f"{a:.3f},{b:.6f}" for a, b in zip(v, log, strict=True)]]
    write("logarithm.csv", "\n".join(rows) + "\n")
    split = len(loops[0][0])
    undone = np.where(v < 0, -1, 1) * 10.0**log
    expect_loops("logarithm", [(v[k : k + split], undone[k : k + split]) for k in range(0, len(v), split)], "logarithm")

    pristine = loop(1e5, 5e3, 2.1, -1.1, top=2.5, start=3e11, noise=0)  # its current is below the last digit
    loops = [(pristine[0], np.where(np.abs(pristine[1]) < 1e-10, 0.0, pristine[1])), *some(4)]
    v, i = (np.concatenate(column) for column in zip(*loops, strict=True))
    rows = ["\t".join(("Bias", "Current")), "\t".join(("[V]", "[uA]"))]
    rows += [f"{a:.3f}\t{b * 1e6:.5g}" for a, b in zip(v, map(float, i), strict=True)]
    write("forming.txt", "\n".join(rows) + "\n")
    expect("forming", kind="loops", forming_voltage=2.1, set_below=1.0, cycles=4)


if __name__ == "__main__":
    for part in (keysight, four_two_hundred, excel_lists, pulses_and_reads, wide, stamps, densities, scope,
                 numbers_of_devices, arc_one, radiant, matlab, keithley, several, others):  # fmt: skip
        part()

"""The first script: form one HfO2 device, reset it, set it, and look at it. Seconds on one core.

python examples/first_device.py      writes first_device.nc and first_device.png
"""

import frenkel as fk

# Held at 40 uA while it forms, free while it is RESET, held at 30 uA while it is SET.
limits = ("40 uA", None, "30 uA")
forming, bare, limited = (fk.Circuit(series_resistance="6 kohm", compliance=limit) for limit in limits)
slowly = fk.Waveform.triangle("4 V", rate="100 V/s", fall_rate="10 MV/s", label="form")

device = fk.Device("HfO2", thickness="2.6 nm", width="2.6 nm", circuit=forming, seed=4)
device.run(slowly, verify="30 kohm", attempts=3)
device.circuit = bare
device.run(fk.Waveform.triangle("-1.15 V", rate="0.1 MV/s", label="reset"))
device.circuit = limited
device.run(fk.Waveform.triangle("3.5 V", rate="0.1 MV/s", label="set"))

print(device.result.frenkel.summary())
device.save("first_device.nc", force=True)
device.show("first_device.png")

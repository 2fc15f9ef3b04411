"""The first script: form one HfO2 device, reset it, set it, and look at it. Ten seconds on one core.

python examples/first_device.py      writes first_device.nc and first_device.png
"""

import frenkel as fk

device = fk.Device("HfO2", "2.6 nm", "5.2 nm", circuit=fk.Circuit(series_resistance="7.5 kohm"), seed=4)
device.form("4 V", compliance="30 uA", verify="30 kohm")
device.reset("-1.6 V")
device.set("3.5 V", compliance="30 uA")
print(device.result.frenkel.summary())
device.save("first_device.nc", force=True)
device.show("first_device.png")

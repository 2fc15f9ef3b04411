"""Physical time: clock, pulses, programming, workloads."""

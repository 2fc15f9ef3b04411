"""Networks on chips: tasks, statistics of a device, mapping to cells, and what it all costs."""

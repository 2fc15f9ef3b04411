"""Models of resistive memory on public measurements: tasks, rival models, scores (docs/bench.md)."""

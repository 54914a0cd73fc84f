"""Side-by-side measurements: `python -m benchmarks`. What is compared: docs/benchmarks.md."""

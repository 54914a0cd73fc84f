"""How right the checks are: known defects in real and generated data, `python -m benchmarks.truth`.

`materials` bring sound data, `defects` break it at known rows, `judging` runs the checks over it and counts what was
found, missed and flagged wrongly; `peers` do the same with other tools; `report` shows it. See docs/benchmarks.md.
"""

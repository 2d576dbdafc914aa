"""Measurements of the fake cloud. Every figure stands beside a floor measured in the same run, round by round.

`python -m benchmarks [--quick] [NAME ...]` runs them, `python -m benchmarks.stacks` compares serving stacks. Loopback
only; every load is bounded in time and count; all data comes from fixed seeds. Nothing here passes or fails but the
soak, whose books must agree.
"""

"""Benchmarks: commands that print JSON lines, one a figure. `python -m benchmarks [NAME]`."""

"""Benchmarks: commands that print JSON lines, one a figure. `make bench [BENCH=NAME]`."""

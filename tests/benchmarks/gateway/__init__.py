"""Benchmarks of the gateway: what it adds to a call, and what bad days of a provider cost."""

"""The memory service: what is known, and what was thought about it."""

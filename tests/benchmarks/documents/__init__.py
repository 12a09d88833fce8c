"""Benchmark of documents: what becomes facts, how fast, and in how much memory."""

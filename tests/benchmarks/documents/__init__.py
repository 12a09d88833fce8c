"""Measure how documents are read."""

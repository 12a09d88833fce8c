"""Strategies: rules that give each possible partner of an anchor a weight, one per module."""

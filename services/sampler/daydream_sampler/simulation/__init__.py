"""Simulations of drawing, without models and without cost."""

"""Prices, upper bounds and costs of model calls."""

"""Prices, upper bounds and the way to the budget service. All amounts are integers in nano-dollars."""

"""`make bench-budget DATA=folder`: does the cap hold, how much of it is used, and what does that cost in time."""

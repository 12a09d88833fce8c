"""`make bench-budget DATA=folder`: does the cap hold, how much is used, how fast is it?"""

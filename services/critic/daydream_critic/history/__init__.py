"""What the critic has learned from past verdicts and reviews.

`projection` is the state and the questions that it answers. `records` are its rows. `projector`
keeps it up to date with the streams. `report` turns it into the answer to `daydream report critic`.
"""

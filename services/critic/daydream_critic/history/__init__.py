"""What the critic has learned from past verdicts and reviews.

`critic_history` is the state and the questions that it answers. `records` are its rows.
`history_projector` keeps it up to date with the streams. `report` turns it into the answer to
`daydream report critic`.
"""

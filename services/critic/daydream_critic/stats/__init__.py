"""The arithmetic of judging: pure functions and values, without messages, settings or I/O.

`score_ranks` makes scores of different judges comparable. `aggregation` turns them into log-odds.
`sequential_plan` chooses the next call. `quota_threshold` and `certified_threshold` are the two
kinds of promotion threshold. `bradley_terry` rates hypotheses from comparisons.
"""

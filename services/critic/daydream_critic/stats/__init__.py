"""The arithmetic of judging: pure functions and values, without messages, settings or I/O.

`score_ranks` makes scores of different judges comparable. `panel_posterior` says what is known of
the judges, from `panel_evidence` and their `agreement`. `aggregation` turns scores into log-odds.
`sequential_plan` chooses the next call. `quota_threshold` and `certified_threshold` are the two
kinds of promotion threshold. `bradley_terry` rates hypotheses from comparisons.
"""

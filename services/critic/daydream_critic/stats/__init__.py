"""The statistics of judging: aggregation, thresholds, sequential plans and comparisons."""

"""Judge one hypothesis: gates, judges, aggregation, comparison, decision."""

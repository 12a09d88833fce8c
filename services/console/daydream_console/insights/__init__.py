"""Insights and verdicts as pages, API and command read them: one indexed projection of streams."""

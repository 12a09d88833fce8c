"""The critic: judges hypotheses, the free way first."""

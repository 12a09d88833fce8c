"""The sampler: draws pairs of facts, each with the probability with which it was drawn."""

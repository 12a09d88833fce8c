"""Canaries: hypotheses with a known answer. Each stage that needs them reads the same set.

`canary_set` reads them. `canary_hypothesis` turns one into the message of a synthesizer.
"""

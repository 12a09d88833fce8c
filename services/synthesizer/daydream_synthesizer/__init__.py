"""The synthesizer: looks for a deep, non-obvious link between two facts."""

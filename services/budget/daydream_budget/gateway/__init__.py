"""The gateway: one door to the models."""

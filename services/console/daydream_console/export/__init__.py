"""Verdicts as material to train and test models."""

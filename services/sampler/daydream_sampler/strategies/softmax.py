"""Turn exponents into the weights of partners."""

from __future__ import annotations

import numpy as np

from daydream_sampler.strategies.interface import Weights


def softmax(exponents: Weights) -> Weights:
    """Return exp(exponents), scaled so that the highest is 1. All zero if no exponent is finite."""
    highest = np.max(exponents, initial=-np.inf)
    return np.zeros(len(exponents)) if highest == -np.inf else np.exp(exponents - highest)

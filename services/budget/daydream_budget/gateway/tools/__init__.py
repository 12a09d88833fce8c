"""Commands that ask providers without a running system: check, price and measure."""

"""The OpenAI-compatible HTTP side of the gateway."""

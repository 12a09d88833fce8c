"""The ways to draw, each a small module with one method."""

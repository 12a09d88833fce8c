"""The one way to call a model: paid from an envelope, stored before use, read tolerantly, measured."""

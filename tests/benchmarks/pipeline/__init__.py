"""What the pipeline costs beside the models: the system against a bare relay of the same calls."""

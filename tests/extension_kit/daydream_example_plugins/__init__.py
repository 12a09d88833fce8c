"""One example of each plug-in for daydream, one per module."""

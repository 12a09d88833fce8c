"""The `daydream` command."""

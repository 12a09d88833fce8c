"""Task queues from the registry at the work of the bare relay: `make bench-peers`."""

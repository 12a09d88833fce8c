"""Each call is paid once: its claim and its answer, shared by all replicas."""

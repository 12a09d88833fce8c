"""The project's own lint rules. `python -m checks` runs them all; each rule is one module."""

"""Why is nothing happening? One sentence, from the state of the whole loop."""

from daydream_console.diagnosis.model import Cause, Diagnosis
from daydream_console.diagnosis.rules import diagnose

__all__ = ["Cause", "Diagnosis", "diagnose"]

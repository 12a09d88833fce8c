"""What the critic has learned from past verdicts, as a projection of the VERDICTS stream."""

"""How good the critic's arithmetic is, on public verdicts and on simulated judges."""

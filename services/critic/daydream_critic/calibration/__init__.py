"""What canaries tell about judges before their first verdict.

`records` is what is stored for each judge and prompt. `calibrator` asks the judges about the
canaries, once for all replicas. `skill` says what the scores mean: how well a judge tells bridges
from decoys, and whether that contradicts what the judges agree on.
"""

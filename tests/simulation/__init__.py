"""A simulation of daydream in one process: its pure cores, a virtual clock, and seeded faults.

The cores are the product's: the ledger's rules and state, its admission queue, the sampler's epoch
and claims, and the disposition of failed messages. What surrounds them is simulated: replicas that
are behind or die, queues that deliver again, a provider that bills and loses answers. One seed
gives one run, step by step. So a failure is found again, and a shorter run with the same seed is
the beginning of the longer one.

    make simulate SEED=7 STEPS=1000000
"""

"""The whole system on one machine: the same processes as in a cluster, started and watched from
here.
"""

"""Judge one hypothesis. The steps run in one direction, and each adds to an `Evaluation`:

    gates → memory lookup → gates → judges → aggregation → comparison → decision
        → verdict or nomination

`critic` lists the steps. `gates` and `judges` have a protocol and a registry each: packages add
their own by entry points.
"""

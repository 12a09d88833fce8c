"""Gates: checks without a model call that can end an evaluation. What they stop costs nothing more.

To add one, write a class with the members of `interface.Gate`. A bundled gate gets a row in
`BUNDLED` of `registry.py`. Another package offers its gate under an entry point of the group
`daydream.gates`. `DAYDREAM_CRITIC_GATES` names the gates that run, in their order.
"""

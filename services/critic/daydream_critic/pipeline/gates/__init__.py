"""Gates: checks without a model call that can end an evaluation. What they stop costs nothing more.

To add one, write a class with the members of `interface.Gate`, offer it under an entry point of the
group `daydream.gates`, and name it in `DAYDREAM_CRITIC_GATES`.
"""

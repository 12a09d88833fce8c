"""Judges: each gives a hypothesis three scores and a justification.

Most judges are language models with a rubric (`model_judge`). A judge may also be code
(`code_judge`): to add one, subclass `CodeJudge`, offer it under an entry point of the group
`daydream.judges`, and name it as the `kind` of a [[judge]] table in the panel file (`config`).
"""

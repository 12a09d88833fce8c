"""`daydream bench`: good insights per dollar of the essay's plain loop, and of the shipped one.

Data: corpus → each arm runs the real system over it, under its own cap, in its own folder (`arms`,
`arm_run`) → which hypotheses state the link of a bridge (`matching`), and whether one side alone
yields it (`controls`) → rates with intervals (`statistics`, `outcome`) → table, Markdown, JSON
and a page (`table`, `report_page`). What models answered is in one record (`record`), which can be
replayed without a model.
"""

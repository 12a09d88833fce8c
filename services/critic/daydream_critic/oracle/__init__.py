"""The oracle: the critic's second role. It examines what the judges would promote, with a model of its own, before anybody calls it an insight.

Data: `CandidateNominated` → what is known near the hypothesis (`evidence`) and what the oracle makes of each fact alone (`alone`), which are statements →
attempts to refute it, each of which sees the statements (`refuting`) → `VerdictReached`, which replaces the judges' deferred one.

States: examined → withstood an attempt: promoted → refuted by every attempt: refuted, as `prior-art` where it named something known, `one-fact` where it
named what was made of one fact alone, else `refuted` → no answer could be read: discarded. A single attempt can't kill: three in eight real discoveries
would fall to one.

What can fail: memory is away (the message comes again), the plug-in for literature fails (the examination goes on and says so), a worker dies (the answers
that it had are stored; statements that have changed since make the attempt another question, paid once more).
"""

"""The oracle: the critic's second role. It examines what the judges would promote, with its own
model.

`CandidateNominated` → statements: known facts and insights near the hypothesis, publications
(`evidence`), and what each fact alone suggests to the model (`single_fact`) → attempts to refute
the hypothesis, each of which sees the statements (`refutation`) → `VerdictReached`, which replaces
the judges' deferred verdict (`verdict`).

States: it withstood an attempt: promoted → every attempt refuted it: refuted, as `prior-art` if an
attempt named something known, as `one-fact` if it named what one fact suggests, else as `refuted` →
no answer was readable: discarded. One attempt alone can't refute: three in eight real discoveries
would fall to one.

Failures: if memory is unavailable, the message is delivered again. If the literature search fails,
the examination continues and says so. If a worker dies, its answers are stored; statements that
changed since make the attempt another request, which is paid again.
"""

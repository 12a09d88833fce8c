"""The shared rate limiter: when a call to a model may start, in all replicas together.

    limiter = registry.limiter("openai", "gpt-5")
    async with limiter.turn(patience_s=60, tokens=4000, caller="critic") as turn:
        ...
        limiter.report(turn, "busy", retry_after_s=2.0, reason="Rate limit reached")

| module | holds |
|---|---|
| `registry` | all limiters of a replica |
| `limiter`, `waiters` | callers that wait, in a fair order |
| `turns` | what a turn needs |
| `model_availability`, `cooldown` | open, closed, probe: the circuit breaker |
| `concurrency`, `pace` | what is learned from refusals |
| `quota`, `minute` | the configured limits per minute |
| `replicas`, `sharing`, `messages` | shares, and the election of the probe |
| `nats_channel` | the transport between replicas |
"""

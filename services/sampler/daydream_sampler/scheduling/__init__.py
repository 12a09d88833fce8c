"""When to draw: always, in cheap hours, or while the lab's inference servers are idle."""

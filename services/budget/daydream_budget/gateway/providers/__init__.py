"""What providers of models do: their addresses, dialects and answers. No money and no NATS here."""

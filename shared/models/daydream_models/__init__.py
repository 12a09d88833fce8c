"""Ask a model: prompts, requests, structured answers and the gateway's client."""

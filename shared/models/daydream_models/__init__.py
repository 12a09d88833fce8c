"""Ask a model: prompts, structured answers, prices and the budgeted client."""

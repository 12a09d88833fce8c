"""The contracts between the services and the runtime around a handler; nothing else may live here."""

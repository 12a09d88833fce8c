"""The console: the command, the web page, the HTTP API."""

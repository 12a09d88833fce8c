"""The web page, the HTTP API, the feeds and the live stream of events."""

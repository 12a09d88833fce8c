"""The names of the formats of a digest, apart from what writes them, so that help needs no more."""

FORMAT_NAMES = ("markdown", "html", "json", "slack", "mattermost", "teams")

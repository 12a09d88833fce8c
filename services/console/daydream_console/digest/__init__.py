"""The digest: the best new insights for one reader, as Markdown, JSON, mail or chat message."""

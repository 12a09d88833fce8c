"""Where documents come from: files and folders, standard input, buckets and web servers.

A source finds documents and says for each how it is loaded, or why it is not read. Nothing is
loaded before it is needed, and nothing that is wrong with one document stops the others.
"""

from daydream_console.sources.folders import FoundFiles, files_in, is_hidden
from daydream_console.sources.source_document import (
    BYTES_MAX,
    SourceDocument,
    UnreadableSourceError,
    source_name,
)

__all__ = [
    "BYTES_MAX",
    "FoundFiles",
    "SourceDocument",
    "UnreadableSourceError",
    "files_in",
    "is_hidden",
    "source_name",
]

"""An MCP server over a running system, by the official SDK."""

"""SOQL: text to tree (tokens, parser), tree to SQLite (compile)."""

"""The contracts on one SQLite file: one process, no server."""

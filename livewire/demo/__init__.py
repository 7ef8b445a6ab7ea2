"""The written night: an election evening in an invented country, and its pictures."""

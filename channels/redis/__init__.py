"""The contracts on Redis 7 or newer: many workers, many machines."""

"""The service people run."""

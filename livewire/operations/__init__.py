"""Running the service: what its machine and its settings are fit for."""

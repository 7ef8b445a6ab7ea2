"""The doors by which readers come in, and the lines their frames leave by."""

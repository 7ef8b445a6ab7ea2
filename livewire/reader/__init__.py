"""What readers see: the front page, the live story, one update, and errors."""

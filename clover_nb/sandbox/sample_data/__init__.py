"""Generated customers."""

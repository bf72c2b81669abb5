"""One change, from its entry in the journal to an outcome that is known."""

"""Many changes at once: a table of wanted values, a plan to review, and its application."""

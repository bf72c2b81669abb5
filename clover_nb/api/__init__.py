"""Clover's endpoints, one method each."""

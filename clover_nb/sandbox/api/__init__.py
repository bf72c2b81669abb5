"""Clover's endpoints, and the sandbox's own."""

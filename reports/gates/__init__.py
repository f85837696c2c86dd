"""A run held against gates."""

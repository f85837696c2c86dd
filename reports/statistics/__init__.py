"""Intervals and tests over speakers."""

"""Executors: who runs cells, and where."""

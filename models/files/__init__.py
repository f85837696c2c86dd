"""Saved models: their folder, their files, and the checks before a library reads one."""

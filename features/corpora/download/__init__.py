"""Fetch AudioMNIST, verify it and put it in place."""

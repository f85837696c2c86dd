"""Cells: one model on one split with one seed each; their jobs, how they are run, and what they leave."""

"""Measurements of speed, each as ratios to references that are timed in the same process in turns."""

"""Speed guards: what must not become slower, as ratios to references that are timed in the same process in turns."""

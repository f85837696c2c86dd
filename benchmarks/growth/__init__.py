"""How cost grows with the number of recordings: measured, fitted, told."""

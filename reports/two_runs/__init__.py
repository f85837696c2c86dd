"""Two runs compared: what changed, and whether it can be told from chance."""

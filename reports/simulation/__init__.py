"""How far 95 % is true: data sets of known truth through the report's own statistics."""

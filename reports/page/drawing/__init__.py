"""Pictures as inline SVG: the parts that all pictures share."""

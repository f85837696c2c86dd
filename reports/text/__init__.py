"""Text for people: names and numbers as readers see them, and Markdown."""

"""The page: one HTML file from a summary. Drawing and tables, then a module per section, then the page itself."""

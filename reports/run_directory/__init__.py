"""What lies in a run directory: tables and JSON files, declared, read, checked, written."""

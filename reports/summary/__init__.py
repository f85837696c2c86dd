"""Every number of the report, from the tables of a run."""

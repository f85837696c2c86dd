"""What do the results say? Result tables in, numbers and one page out; knows no corpus and no model."""

"""Who is trained and tested on what: tasks, folds, the inputs of a run's cells."""

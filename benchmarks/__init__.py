"""Who is trained and tested on what, and what did it cost? Tasks, folds, cells, runner, command line."""

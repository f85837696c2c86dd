"""What a run asks of its corpus: a task, and how speakers are held out."""

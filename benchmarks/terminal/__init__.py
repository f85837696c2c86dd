"""What a user sees while a command runs: progress, and how it ends when interrupted."""

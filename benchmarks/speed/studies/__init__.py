"""Studies of speed: subjects timed in turns, each command a table of docs/performance.md."""

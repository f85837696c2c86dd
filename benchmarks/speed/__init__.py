"""Measurements of speed: guards, which hold the project to what it was, and studies, which fill docs/performance.md."""

"""A saved model's answers for audio files."""

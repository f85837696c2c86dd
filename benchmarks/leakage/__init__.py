"""Could a model know a test recording's label without recognising the speaker: the leakage audit."""

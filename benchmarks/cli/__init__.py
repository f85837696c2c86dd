"""The command line: ``python -m benchmarks`` and, when installed, ``voxfold``."""

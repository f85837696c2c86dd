"""What does a model see? Corpora, audio, MFCCs, images, views and their cache."""

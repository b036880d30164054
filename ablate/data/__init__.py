"""Turns annotations and files into batches; knows nothing of models."""

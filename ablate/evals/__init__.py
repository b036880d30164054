"""Evaluation: options are scored by likelihood, questions are kept, scores are summarised."""

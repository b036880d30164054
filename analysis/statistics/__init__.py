"""Figures about one proxy and the target, each with its interval."""

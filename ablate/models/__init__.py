"""Builds a video-language model: encoders -> connector -> token integration -> language model.

Shapes: B batch, C clips of the whole batch, F frames per clip, T H W token grid of a clip, Q visual
tokens per clip, S sequence, N chosen positions, V vocabulary, E encoder width, D width of the
language model.
"""

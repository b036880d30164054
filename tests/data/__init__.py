"""Tests of `ablate.data`."""

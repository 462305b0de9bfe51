"""Tensor operations: no files, no globals, no models."""

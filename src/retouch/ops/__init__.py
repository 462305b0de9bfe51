"""Pixel operations on arrays and tensors: no files, no globals, no models."""

"""Measuring fills."""

"""Mend old and scanned photos: how damage is filled, and what is told of it."""

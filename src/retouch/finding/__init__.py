"""Find what does not belong in a photo. Works in the light core: no torch is needed."""

SENSITIVITY = 0.5
"""How readily damage is found where nothing is said: between 0 and 1."""

"""Find what does not belong in a photo. Works in the light core: no torch is needed."""

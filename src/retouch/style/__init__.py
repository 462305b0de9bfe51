"""Give a photo of any size the style of another picture."""

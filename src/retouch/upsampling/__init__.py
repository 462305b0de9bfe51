"""Give a fill that was made small the detail of the photo."""

"""Fill a photo from other photos of the same place, and take passers-by out of a series."""

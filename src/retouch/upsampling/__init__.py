"""Fill at a low resolution, and give the fill the photo's own detail."""

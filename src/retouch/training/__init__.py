"""Training: pictures and masks to learn from, the loop, and a recipe for each model."""

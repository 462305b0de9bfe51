"""Training: the data, the masks, the training loop, and a recipe for each model."""

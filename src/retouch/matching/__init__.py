"""Find the patches that are most alike, and carry something over: the operation that all models share."""

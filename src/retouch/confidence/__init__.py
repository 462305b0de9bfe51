"""Judge any model's fill, and fill in passes that keep what is trusted."""

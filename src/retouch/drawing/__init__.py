"""Draw where each filled pixel came from."""

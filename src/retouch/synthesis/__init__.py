"""Paint a hole with coherent patches of the known area, from coarse to fine."""

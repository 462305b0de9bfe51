"""Any model on any photo: find the holes, fill them, bring them to full resolution, join them in."""

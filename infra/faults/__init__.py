"""The crash explorer: whatever call of whatever handler fails, the books must add up."""

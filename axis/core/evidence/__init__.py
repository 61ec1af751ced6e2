"""Evidence: one document with all that proves what became of it, for whoever need not believe the one who made it."""

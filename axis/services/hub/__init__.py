"""A hub worker: it takes what agencies send, relays it, and says what is due to be said."""

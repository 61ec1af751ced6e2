"""The hub's record: its tables, what is read of them for a batch, and how what was decided is written."""

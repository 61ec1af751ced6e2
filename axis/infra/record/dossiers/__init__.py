"""What is read of the record for a batch: each kind of question in one statement, however many ask it.

The keys go in as arrays (PostgreSQL) or as JSON (SQLite), so the statements are texts that never change: they are built
at import, and the server prepares them once. Each finds its rows by an index from the keys on.
"""

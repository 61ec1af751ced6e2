"""The Merkle log of the ledger's entries, as the record holds it."""

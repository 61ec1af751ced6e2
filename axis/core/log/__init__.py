"""The Merkle log in which the ledger stands: hashing and proofs (RFC 9162), tiles, signed notes, checkpoints,
cosignatures, witnesses, quorums and log proofs (C2SP). Bytes in, bytes out."""

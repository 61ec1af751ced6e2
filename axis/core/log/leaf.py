"""What stands in the log for an entry of the ledger: a digest that tells nothing, and is checked with entry and salt.

Where a salt and its entry are erased, what is left cannot be guessed: the tree still stands, and the other entries are
proved in it as before.
"""

from __future__ import annotations

import hashlib

SALT = 16  # bytes


def leaf(salt: bytes, canonical: str) -> bytes:
    """The data of the leaf of the entry whose canonical text is this: SHA-256 over salt and text, 32 bytes. Its hash in
    the tree: :func:`axis.core.log.merkle.leaf_hash`."""
    return hashlib.sha256(salt + canonical.encode()).digest()

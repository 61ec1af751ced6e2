"""Who may read a file that holds a secret."""

from __future__ import annotations

import stat


def is_private(mode: int, owner: int, us: int) -> bool:
    """Whether a secret in a file of this mode and owner (a user id) is safe for a process of user `us`.

    Our own file: nobody else may read it. A file that root has put there for us, as services are given their secrets
    (root:axis 0440): our group may read it, and nobody but root may write it. Another user's file is never ours."""
    if mode & (stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO):
        return False
    if owner == us:
        return not mode & stat.S_IRGRP
    return 0 in {owner, us}

"""What a broker has once shown that it takes: a file of the home, so that not each start sends it 64 MiB to see.

A file that is lost, torn or of another broker is no proof: the broker is asked again.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path


class Proved:
    """The largest message that the broker of this description has taken, in a file of one line of JSON."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def covers(self, broker: str, size: int) -> bool:
        """Whether this very broker has taken a message of `size` bytes."""
        try:
            found = json.loads(self._path.read_text("utf-8"))
            return bool(found["broker"] == broker and int(found["bytes"]) >= size)
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def note(self, broker: str, size: int) -> None:
        """It has. Where that cannot be written the next start asks again."""
        with suppress(OSError):
            number, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
            try:
                with os.fdopen(number, "w", encoding="utf-8") as handle:
                    handle.write(json.dumps({"broker": broker, "bytes": size}, ensure_ascii=False) + "\n")
                Path(name).replace(self._path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise

    def forget(self) -> None:
        """It has refused one since: what was proved is so no more."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

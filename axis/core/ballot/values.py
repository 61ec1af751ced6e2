"""JSON as ballots and votes are written in it: read strictly, so that nobody reads something else in the same bytes.

A digest is that of the bytes as they were sent. So there is no canonical form to agree on, and nobody needs one.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from axis.core.instant import from_text
from axis.errors import Fault, rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

Made = TypeVar("Made")
MAX_BYTES = 1_000_000  # of a file that holds no votes
MAX_TEXT = 5_000  # characters of one text
MAX_ITEMS = 1_000  # of one list
_DIGEST = re.compile(r"[0-9a-f]{64}")
_HOLDER = re.compile(r"[a-z0-9][a-z0-9._-]{0,40}@[A-Z0-9.]{1,40}")


def digest(data: bytes) -> str:
    """Hex SHA-256."""
    return hashlib.sha256(data).hexdigest()


def text_of(data: bytes) -> str:
    """`data` as :meth:`Obj.data` reads it."""
    return base64.b64encode(data).decode()


def written(value: object) -> bytes:
    """`value` as JSON; equal values give equal bytes."""
    return (json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()


def read(data: bytes, what: str, most: int = MAX_BYTES) -> Obj:
    """The object in `data`. Raises :class:`Rejected` BALLOT_SHAPE: not UTF-8, not JSON, a key twice, a number that is
    no small integer, too large, too deep."""
    if len(data) > most:
        raise rejected(Fault.BALLOT_SHAPE, f"{len(data)} B", f"{most} B", what)

    def no(text: str) -> NoReturn:
        raise rejected(Fault.BALLOT_SHAPE, text[:50], "JSON", what)

    def whole(text: str) -> int:
        return int(text) if len(text) < 10 else no(text)

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        return found if len(found) == len(pairs) else no("a key twice")

    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=once, parse_float=no, parse_constant=no, parse_int=whole
        )
    except (ValueError, RecursionError) as error:
        no(str(error))
    return Obj(value, what)


class Obj:
    """A JSON object whose members are taken one by one, each once; one that is left over, missing or of another kind is
    refused."""

    def __init__(self, value: object, path: str) -> None:
        self.path = path
        if not isinstance(value, dict):
            self._refuse("", value, "{…}")
        self.plain: dict[str, Any] = value
        self._left = dict(value)

    def _refuse(self, name: str, value: object, expected: str) -> NoReturn:
        got = json.dumps(value, ensure_ascii=False)[:80] if value is not None else "-"
        raise rejected(Fault.BALLOT_SHAPE, got, expected, f"{self.path}/{name}" if name else self.path)

    def text(self, name: str, *, empty: bool = False, default: str | None = None) -> str:
        """A text of at most MAX_TEXT characters."""
        value = self._left.pop(name, default)
        if not isinstance(value, str) or len(value) > MAX_TEXT or not (value.strip() or empty or value == default):
            self._refuse(name, value, "text")
        return value

    def one_of(self, name: str, allowed: Sequence[str]) -> str:
        """One of these texts."""
        value = self._left.pop(name, None)
        if not isinstance(value, str) or value not in allowed:
            self._refuse(name, value, " | ".join(allowed))
        return value

    def digest(self, name: str, *, empty: bool = False) -> str:
        """A hex SHA-256; with `empty` it may be missing: ""."""
        value = self._left.pop(name, "" if empty else None)
        if not isinstance(value, str) or not (_DIGEST.fullmatch(value) or (empty and not value)):
            self._refuse(name, value, "SHA-256")
        return value

    def data(self, name: str) -> bytes:
        """Bytes, as base64; b"" for an empty text."""
        value = self._left.pop(name, None)
        try:
            return base64.b64decode(value, validate=True)
        except (ValueError, TypeError):
            self._refuse(name, str(value)[:40], "base64")

    def holder(self, name: str) -> str:
        """A person: ``tv-01@G06``."""
        value = self._left.pop(name, None)
        if not isinstance(value, str) or not is_holder(value):
            self._refuse(name, value, "tv-01@G06")
        return value

    def moment(self, name: str) -> datetime:
        """``2026-11-23T03:00:00.000Z``."""
        value = self._left.pop(name, None)
        try:
            return from_text(value)
        except (ValueError, TypeError):
            self._refuse(name, value, "2026-11-23T03:00:00.000Z")

    def number(self, name: str) -> int:
        """A whole number, 0 to 999,999,999."""
        value = self._left.pop(name, None)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            self._refuse(name, value, "0, 1, 2 …")
        return value

    def flag(self, name: str) -> bool:
        """True or false; false where it is missing."""
        value = self._left.pop(name, False)
        if not isinstance(value, bool):
            self._refuse(name, value, "true | false")
        return value

    def objects(self, name: str, make: Callable[[Obj], Made], *, least: int = 0) -> tuple[Made, ...]:
        """What `make` makes of each object of a list."""
        value = self._left.pop(name, [] if least == 0 else None)
        if not isinstance(value, list) or not least <= len(value) <= MAX_ITEMS:
            self._refuse(name, value, "[…]")
        made = []
        for number, item in enumerate(value):
            inner = Obj(item, f"{self.path}/{name}/{number}")
            made.append(make(inner))
            inner.end()
        return tuple(made)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, each once; none where it is missing."""
        value = self._left.pop(name, [])
        is_list = isinstance(value, list) and len(value) <= MAX_ITEMS
        if not is_list or not all(isinstance(one, str) and 0 < len(one) <= MAX_TEXT for one in value):
            self._refuse(name, value, "[text, …]")
        if len(set(value)) != len(value):
            self._refuse(name, value, "each once")
        return tuple(value)

    def inner(self, name: str) -> Obj | None:
        """An object in it; None where it is missing. The caller ends it."""
        if name not in self._left:
            return None
        return Obj(self._left.pop(name), f"{self.path}/{name}")

    def refuse(self, name: str, got: object, expected: str) -> NoReturn:
        """Refuse a member for what it says."""
        self._refuse(name, got, expected)

    def end(self) -> None:
        """Refuse what nobody has taken."""
        for name, value in self._left.items():
            self._refuse(name, value, "-")


def is_holder(text: str) -> bool:
    """Whether `text` names a person as the registry does: ``tv-01@G06``, never what an agency's code could be."""
    return _HOLDER.fullmatch(text) is not None


def agency_of(holder: str) -> str:
    """The agency that a person belongs to."""
    return holder.partition("@")[2]

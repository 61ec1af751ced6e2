"""What an administrator does is noted with who, when and why, before it is done, and how it has ended; refused tries as
well.

The entries of the ledger that such an act makes name the same user and the act."""

from __future__ import annotations

import errno
import logging
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from axis import counting
from axis.config import FILE
from axis.core.instant import to_text
from axis.errors import AxisError, Rejected
from axis.infra import acts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

log = logging.getLogger("axis.acts")
MAX_REASON = 1000  # characters of a reason that are kept
MAX_VALUE = 200  # characters of each thing that a command was given
CODES = 5  # of what was wrong that are kept
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}
_doing: ContextVar[dict[str, str] | None] = ContextVar("act", default=None)


def by() -> dict[str, str]:
    """What an entry of the ledger says about the act that makes it: ``by``, the user, ``act``, its id, and ``reason``
    where one was given. Nothing where nobody does anything: the axis works by itself."""
    doing = _doing.get()
    return dict(doing) if doing is not None else {}


def signed(names: str, digest: str) -> None:
    """Officers of these names have signed what is done, an act whose text has this SHA-256: that is noted with it."""
    doing = _doing.get()
    if doing is not None and digest:
        doing |= {"signed": names, "officers_act": digest}


@contextmanager
def acting(
    home: Path, kind: str, agencies: Sequence[str], given: Mapping[str, Any], reason: str
) -> Iterator[dict[str, Any]]:
    """Within: somebody does this with a home. `kind` is the command, `given` what it was given, without secrets.

    Raises :class:`Misconfigured` FILE_UNUSABLE, and nothing is done, where this user may not note it. On a disk that is
    full or broken it is said that it could not be noted: what mends that must be possible. A home that is made by this
    has it afterwards."""
    user = acts.who()
    row = {
        "at": to_text(datetime.now(UTC)),
        **user,
        "kind": kind,
        "agencies": list(agencies),
        "given": {name: str(value)[:MAX_VALUE] for name, value in given.items()},
        "reason": reason[:MAX_REASON],
    }
    identifier = _noted(home, row) if (home / FILE).exists() else ""
    before = dict(counting.ledger_entries)
    known = {"by": user["login"] or user["user"], "act": identifier, "reason": reason[:MAX_REASON]}
    doing = {name: value for name, value in known.items() if value}
    token = _doing.set(doing)
    ended: dict[str, Any] = {"outcome": "done", "code": ""}
    try:
        yield ended
    except BaseException as error:
        ended |= _outcome(error)
        raise
    finally:
        _doing.reset(token)
        ended |= {name: doing[name] for name in ("signed", "officers_act") if name in doing}
        entries = {name: n - before.get(name, 0) for name, n in dict(counting.ledger_entries).items()}
        ended |= {"ended_at": to_text(datetime.now(UTC)), "ledger": {k: n for k, n in entries.items() if n}}
        if not identifier and (home / FILE).exists():
            identifier = _noted(home, row)
        if identifier:
            _end(home, identifier, ended)


def _noted(home: Path, row: dict[str, Any]) -> str:
    try:
        return acts.begin(home, row)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        log.warning("this act could not be noted: %s", error)
        return ""


def _end(home: Path, identifier: str, ended: dict[str, Any]) -> None:
    try:
        acts.end(home, identifier, ended)
    except (OSError, AxisError) as error:  # it is done: that it has ended is not known, and nothing else is lost
        log.warning("how this act has ended could not be noted: %s", error)


def _outcome(error: BaseException) -> dict[str, str]:
    if isinstance(error, AxisError):
        return {"outcome": "refused" if isinstance(error, Rejected) else "failed", "code": error.fault.code}
    status = error.code if isinstance(error, SystemExit) else getattr(error, "exit_code", None)
    if status in {0, None} and (isinstance(error, SystemExit) or status == 0):
        return {"outcome": "done", "code": ""}
    if isinstance(error, KeyboardInterrupt):
        return {"outcome": "failed", "code": "interrupted"}
    codes = getattr(error, "codes", ())[:CODES]  # of a command that has said itself what is wrong
    return {"outcome": "refused" if status == 3 else "failed", "code": ", ".join(codes) or f"exit {status or 1}"}

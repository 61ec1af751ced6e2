"""What a record holds, without what may differ however the same messages came together: ids, digests of what holds ids,
and what is only an order."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from tests.hub.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMED = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{64}\b")
Normal = dict[str, Counter[str]]


def normal(record: Record, since: Record | None = None) -> Normal:
    """The record's tables, each as its rows; with `since` those that have changed since then alone."""
    return _Names(record).tables(since or Record())


class _Names:
    """What stands for an id, or for the digest of what holds ids."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._names: dict[str, str] = {}

    def _name(self, found: re.Match[str]) -> str:
        name = found[0]
        if name not in self._names:
            self._names[name] = self._named(name)
        return self._names[name]

    def _named(self, name: str) -> str:
        record = self._record
        if (one := record.submissions.get(name)) is not None:
            return f"<{one.kind} {one.sender} {one.document_id} {one.content_digest[:8]} {one.number}>"
        if (row := record.deliveries.get(name)) is not None:
            return f"<{self._named(row.axis_id)} to {row.recipient}>"
        if (value := record.receipts.get(name)) is not None:
            said = sorted(repr(replace(one, id="", entry="")) for one in value.statements)
            return self._text(f"<receipt {value.subject} {said}>")
        return name if len(name) == 64 else "<id>"

    def _text(self, value: object) -> str:
        return _NAMED.sub(self._name, str(value))

    def _changed(self, after: Mapping[Any, Any], before: Mapping[Any, Any]) -> Counter[str]:
        gone = [key for key in before if key not in after]
        new = [one for one in after.items() if one[0] not in before or before[one[0]] != one[1]]
        return Counter(self._text(one) for one in (*gone, *new))

    def tables(self, since: Record) -> Normal:
        record = self._record
        found = {one.name: getattr(record, one.name) for one in fields(record) if one.name not in _APART}
        tables = {name: self._changed(after, getattr(since, name)) for name, after in found.items()}
        outbox = [row for name, row in record.outbox.items() if name not in since.outbox]
        left_out = [name for name in since.outbox if name not in record.outbox]
        aside = [(agency, replace(one, entry="")) for agency, known in record.aside.items() for one in known]
        entries = record.entries[len(since.entries) :]
        tables["submissions"] = Counter(
            self._text(one) for one in found["submissions"].values() if one.axis_id not in since.submissions
        )
        tables["payloads"] = Counter(found["payloads"].keys() - since.payloads.keys())
        tables["statements"] = Counter(self._text(one) for one in record.said if one not in since.said)
        tables["outbox"] = Counter(self._text(one) for one in (*outbox, *left_out))
        tables["aside"] = Counter(self._text(one) for one in aside)
        tables["receipts"] = Counter(self._text(one) for one in record.receipts if one not in since.receipts)
        tables["entries"] = Counter(
            self._text((e.actor, e.event, e.axis_id, e.recipient, sorted(e.detail.items()))) for e in entries
        )
        return tables


_APART = {"said", "outbox", "aside", "entries", "receipts", "rows", "entered"}


def difference(one: Normal, other: Normal) -> str:
    """What each has that the other has not, to be read."""
    lines = []
    for table in one:
        lines += [f"{table} - {row}" for row in (one[table] - other[table])]
        lines += [f"{table} + {row}" for row in (other[table] - one[table])]
    return "\n".join(lines)

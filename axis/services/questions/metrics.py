"""The figures of a process for Prometheus, as samples of :mod:`axis.core.metrics`: what it has counted, and what the
record says that waits. Bounded however much there is."""

from __future__ import annotations

import shutil
from collections import Counter
from typing import TYPE_CHECKING

from axis import __version__, counting
from axis.core.instant import from_text
from axis.core.metrics import Sample
from axis.infra.record import backlog, health

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from axis.core.registry import Registry
    from axis.infra.record.store import HubStore
    from axis.services.pulse import Pulse


def of_process(role: str, path: Path, pulse: Pulse, ready: Mapping[str, str]) -> list[Sample]:
    """What every process has: its loop, its parts, its disk, what it has counted."""
    work, usage = counting.snapshot(), shutil.disk_usage(path)
    found = [
        Sample("axis_build_info", 1, (__version__, role)),
        Sample("axis_loop_rounds_total", pulse.rounds),
        Sample("axis_loop_last_round_timestamp_seconds", pulse.last),
        Sample("axis_disk_free_bytes", usage.free),
        Sample("axis_disk_size_bytes", usage.total),
        Sample("axis_xml_parses_total", work["parses"]),
        Sample("axis_parcel_verifications_total", work["verifications"]),
        Sample("axis_signatures_total", work["signatures"]),
    ]
    found += [Sample("axis_ready", float(not problem), (what,)) for what, problem in ready.items()]
    for part in pulse.parts:
        found.append(Sample("axis_part_up", float(part.worked and part.error is None), (part.name,)))
        if part.agency is not None:
            found.append(Sample("axis_agency_system_up", float(part.agency.away is None), (part.name,)))
    found += [Sample("axis_ledger_entries_total", n, (name,)) for name, n in dict(counting.ledger_entries).items()]
    found += [Sample("axis_journal_entries_total", n, pair) for pair, n in dict(counting.journal_entries).items()]
    found += [Sample("axis_http_answers_total", n, pair) for pair, n in dict(counting.http_answers).items()]
    return found


def of_registry(registry: Registry, now: datetime) -> list[Sample]:
    """Agencies by standing, and when the certificates of the active ones end."""
    standing = {member.code: member.standing(now) for member in registry.agencies}
    found = [Sample("axis_agencies", count, (word,)) for word, count in sorted(Counter(standing.values()).items())]
    for member in registry.agencies:
        if standing[member.code] == "active" and (end := member.signs_until) is not None:
            found.append(Sample("axis_certificate_end_timestamp_seconds", end.timestamp(), (member.code,)))
    return found


def of_record(store: HubStore, registry: Registry, now: datetime) -> list[Sample]:
    """What waits at the hub, since when, for whom."""
    codes = [member.code for member in registry.agencies]
    with store.reading() as reader:
        outbox = health.outbox_of(reader, now)
        counts = {
            "axis_quarantined_messages": health.quarantined(reader),
            "axis_deliveries_failed": backlog.failed(reader),
            "axis_deliveries_overdue": backlog.overdue(reader),
        }
        waiting = backlog.waiting_since(reader, codes)
    found = [
        Sample("axis_outbox_due", outbox["due"]),
        Sample("axis_outbox_oldest_seconds", _age(outbox["oldest"], now)),
    ]
    found += [Sample(name, n, (code,)) for name, by_code in counts.items() for code, n in sorted(by_code.items())]
    return found + [
        Sample("axis_queue_oldest_seconds", _age(since, now), (code,)) for code, since in sorted(waiting.items())
    ]


def _age(moment: str, now: datetime) -> float:
    return max(0.0, (now - from_text(moment)).total_seconds()) if moment else 0.0

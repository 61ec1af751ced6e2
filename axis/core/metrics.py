"""What is measured of a running process, for Prometheus: each name once, with what it means. Pure.

The table here is the one place: what is exported, docs/metrics.md, the alert rules and the dashboard in config/ are
compared with it by a test. A label is the code of an agency, the name of an event, a part or a dependency, and never
anything of a document.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Kind = Literal["counter", "gauge"]
Where = Literal["all", "hub", "adapters"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One name. `where`: the processes that export it. A counter's name ends with ``_total``."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    where: Where = "all"


@dataclass(frozen=True, slots=True)
class Sample:
    """A value of a metric, with its labels' values in the metric's order."""

    name: str
    value: float
    labels: tuple[str, ...] = ()


_EVERY = (
    Metric(
        "axis_build_info", "gauge", "1, with the version of the axis and the role of the home.", ("version", "role")
    ),
    Metric("axis_loop_rounds_total", "counter", "Rounds of this process's loop."),
    Metric(
        "axis_loop_last_round_timestamp_seconds", "gauge", "When its last round ended (Unix time); 0 before the first."
    ),
    Metric(
        "axis_part_up", "gauge", "1: the hub, or this agency's adapter, had no trouble in its last round.", ("part",)
    ),
    Metric("axis_ready", "gauge", "1: this can be reached and works now (broker, database, disk, loop).", ("what",)),
    Metric("axis_disk_free_bytes", "gauge", "Free bytes of the disk that the home is on."),
    Metric("axis_disk_size_bytes", "gauge", "Size of the disk that the home is on."),
    Metric("axis_xml_parses_total", "counter", "XML texts parsed."),
    Metric("axis_parcel_verifications_total", "counter", "Parcels whose digests and signature were computed."),
    Metric("axis_signatures_total", "counter", "Signatures made."),
    Metric(
        "axis_certificate_end_timestamp_seconds",
        "gauge",
        "When an active agency's signing certificate ends (Unix time).",
        ("agency",),
    ),
    Metric("axis_agencies", "gauge", "Agencies in the registry, by standing.", ("standing",)),
    Metric(
        "axis_ledger_entries_total",
        "counter",
        "Entries that this process has put into the ledger, by event (submission.accepted, …).",
        ("event",),
        "hub",
    ),
    Metric("axis_outbox_due", "gauge", "Messages that should have left by now (counted to 100,000).", (), "hub"),
    Metric("axis_outbox_oldest_seconds", "gauge", "For how long the oldest of them is due.", (), "hub"),
    Metric(
        "axis_quarantined_messages",
        "gauge",
        "Messages in quarantine, by the agency that sent them.",
        ("agency",),
        "hub",
    ),
    Metric(
        "axis_deliveries_failed",
        "gauge",
        "Deliveries given up that nobody has decided about, by recipient.",
        ("agency",),
        "hub",
    ),
    Metric(
        "axis_deliveries_overdue",
        "gauge",
        "Deliveries not handed over within their term, by recipient.",
        ("agency",),
        "hub",
    ),
    Metric(
        "axis_queue_oldest_seconds",
        "gauge",
        "For how long the oldest delivery waits in the recipient's queue.",
        ("agency",),
        "hub",
    ),
    Metric(
        "axis_dead_letters",
        "gauge",
        "Messages that the broker has put aside; where its HTTP API is configured.",
        (),
        "hub",
    ),
    Metric(
        "axis_journal_entries_total",
        "counter",
        "Entries that this process has put into an agency's journal, by event (source.pending, …).",
        ("agency", "event"),
        "adapters",
    ),
    Metric(
        "axis_agency_system_up",
        "gauge",
        "1: the agency's own document system (folder, drop box, spool) could be reached.",
        ("agency",),
        "adapters",
    ),
    Metric(
        "axis_http_answers_total",
        "counter",
        "Answers of the adapters' HTTP server, by path's kind (v1, vxp, dvcqg, health) and class of status.",
        ("kind", "status"),
        "adapters",
    ),
)
METRICS: Mapping[str, Metric] = {one.name: one for one in _EVERY}
# What the client library says of the process itself; Linux only.
OF_THE_PROCESS = (
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_virtual_memory_bytes",
)


def by_metric(samples: Iterable[Sample]) -> dict[Metric, list[Sample]]:
    """The samples of each metric, in the order of the table. Raises KeyError for a name that is not in it, and
    ValueError where labels are missing."""
    found: dict[Metric, list[Sample]] = {}
    for one in samples:
        metric = METRICS[one.name]
        if len(one.labels) != len(metric.labels):
            msg = f"{one.name} has the labels {metric.labels}"
            raise ValueError(msg)
        found.setdefault(metric, []).append(one)
    return {metric: found[metric] for metric in _EVERY if metric in found}

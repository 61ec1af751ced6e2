"""What a measurement shows people: rows of a table, from the JSON object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_COUNTS = ("sql", "commits", "flushes", "parses", "verifications", "signatures")


def rows(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """(what, this version, the one compared with): everything that was measured."""
    other = found.get("against", {})
    made = [(what, _text(mine), _text(dict(_facts(other)).get(what))) for what, mine in _facts(found)]
    if "peer" in found:
        why = found["peer"].get("not_available")
        made.append(("pyas2lib, CPU ms", f"not available: {why}" if why else _text(found["peer_ms"]), ""))
        made.append(("  peer / ours", _text(found["peer_ratio"]), ""))
    made.append(("floor, CPU ms", _text(found["floor_ms"]), ""))
    made.append(("  ours / floor", _text(found["ratio_to_floor"]), ""))
    if other:
        made.append(("  theirs / ours", "", _text(found["against_ratio"])))
    calibration = found["calibration"]
    for name, unit in (("loop_ms", "an empty loop, ms"), ("sha256_us", "SHA-256 of 100 KB, µs")):
        made.append((unit, f"{calibration['before'][name]} → {calibration['after'][name]}", ""))
    made.append(("load", " → ".join(map(str, calibration["load"])), ""))
    return [row if other else row[:2] for row in made]


def scenario_rows(found: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    """(what, value): everything that a scenario has found."""
    made = []
    for name, value in found.items():
        if isinstance(value, dict):
            made += scenario_rows(value, f"{above}{name}: ")
        else:
            made.append((f"{above}{name}", str(value)))
    return made


def _facts(found: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if not found:
        return
    yield "version", found["version"]
    yield "seconds", found["seconds"]
    for name, value in found["cpu_ms"].items():
        if value is not None:
            yield f"CPU ms a document: {name}", value
    if found["recipients"] > 1:
        yield "CPU ms a delivery: all", found["cpu_ms_a_delivery"]
    for name in _COUNTS:
        missing = name == "flushes" and found["sql"] is not None and found[name] is None
        if name == "sql" and found.get("sql_hub") is not None:
            yield "sql a document, the hub's", found["sql_hub"]
        yield f"{name} a document", "strace is not installed" if missing else found[name]
    for leg, shares in found["latency_ms"].items():
        yield f"outbox → {leg}, ms p50/p95/p99", " / ".join(map(str, shares.values()))
    for name, peak in found["rss_mb"].items():
        yield f"peak MB: {name}", peak
    yield "receipts verified", found["receipts_verified"]
    yield "lost / doubled", f"{found['lost']} / {found['doubled']}"


def _text(value: object) -> str:
    return "-" if value is None else str(value)

"""The report of a conformance test: which promises of the adapter contract an adapter keeps. Signed as a parcel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from axis.core import parcel, xml
from axis.core.instant import from_text, to_text
from axis.errors import Fault, rejected

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


NAMESPACE = "urn:axis:conformance:1"
SYSTEM = "system 1"  # the version of the checks of a system in a sandbox (axis/trials/sandbox.py)


@dataclass(frozen=True)
class Report:
    """What was tested, by which version of the checks, and what became of each: (sentence, why it failed or "")."""

    adapter: str
    version: str
    tested_at: datetime
    checks: tuple[tuple[str, str], ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed, and there was one."""
        return bool(self.checks) and not any(why for _, why in self.checks)


def write(report: Report) -> bytes:
    """conformance.xml: one encoding for each value."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<conformance xmlns="{NAMESPACE}" adapter={quoteattr(_plain(report.adapter))} '
        f"version={quoteattr(report.version)} time={quoteattr(to_text(report.tested_at))}>",
    ]
    for name, why in report.checks:
        passed = "no" if why else "yes"
        lines.append(f"  <check name={quoteattr(name)} passed={quoteattr(passed)}>{xml.escape(_plain(why))}</check>")
    return ("\n".join([*lines, "</conformance>"]) + "\n").encode()


def read(data: bytes) -> Report:
    """The report in `data`, a verified parcel's content. Raises :class:`Rejected` CONFORMANCE_INVALID unless writing it
    again gives `data`."""
    root = xml.parse(data, max_bytes=1_000_000)
    try:
        checks = tuple((xml.attribute(child, "name"), child.text or "") for child in root)
        report = Report(
            xml.attribute(root, "adapter"),
            xml.attribute(root, "version"),
            from_text(xml.attribute(root, "time")),
            checks,
        )
    except (ValueError, KeyError) as error:
        raise rejected(Fault.CONFORMANCE_INVALID, f"{type(error).__name__} {str(error)[:100]}") from None
    if write(report) != data:
        raise rejected(Fault.CONFORMANCE_INVALID, "not in the one allowed form")
    return report


def accepted(data: bytes, trust: parcel.Trust, versions: Sequence[str], now: datetime) -> Report:
    """The report in a signed parcel, if it says that everything passed, by checks of one of these versions.

    Raises :class:`Rejected`: what is wrong with the parcel, CONFORMANCE_INVALID."""
    opened = parcel.verify(data, trust, now)
    if opened.main != parcel.CONFORMANCE:
        raise rejected(Fault.CONFORMANCE_INVALID, opened.main)
    report = read(opened.content)
    if report.version not in versions:
        raise rejected(Fault.CONFORMANCE_INVALID, f"version {report.version}", ", ".join(versions))
    if not report.passed:
        failed = [name for name, why in report.checks if why]
        raise rejected(Fault.CONFORMANCE_INVALID, f"{len(failed)} of {len(report.checks)} failed: {failed[:3]}")
    return report


def _plain(text: str) -> str:
    return xml.NOT_TEXT.sub(" ", text).replace("\r", " ").replace("\n", " ").replace("\t", " ")

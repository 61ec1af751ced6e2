"""Trace context (W3C, https://www.w3.org/TR/trace-context/): whose request a document came with, for the logs. Pure.

It travels beside a parcel, in the headers of its messages, and stands in log lines alone: it is never signed, proves
nothing, and nothing is decided by it. We make no spans of our own; the value is carried as it came.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Version 00, the only one there is: of another it is not known what stands in it.
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)


def traceparent(given: object) -> str:
    """`given`, if it is a traceparent in the one allowed form; "" for anything else: it came from anybody."""
    return given if isinstance(given, str) and _TRACEPARENT.fullmatch(given) else ""


def of_headers(given: Sequence[str]) -> str:
    """The same of all headers of that name: a request that has several says nothing."""
    return traceparent(given[0].strip(" \t")) if len(given) == 1 else ""

"""The receipts that an agency gives: each speaks of one event in its journal, and is signed with its key."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from axis.core import receipt
from axis.core.identity import uuid7
from axis.core.instant import whole
from axis.core.receipt import Receipt, Statement

if TYPE_CHECKING:
    from datetime import datetime

    from axis.core.ledger import Entry
    from axis.core.receipt import Event, Subject
    from axis.errors import Problem
    from axis.services.agency.adapter import Agency


def signed(
    agency: Agency, subject: Subject, event: Event, problems: tuple[Problem, ...], entry: Entry, now: datetime
) -> bytes:
    """The receipt that says `event` of `subject`, with reasons for each of `problems`; `entry` is its evidence."""
    identifier = uuid7(now, os.urandom(10))
    said = Statement(identifier, event, whole(now), agency.code, (), receipt.reasons(problems), entry.digest)
    return receipt.signed(Receipt(agency.installation, agency.code, subject, (said,)), agency.signer, now)

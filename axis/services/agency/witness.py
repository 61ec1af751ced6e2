"""The agency as a witness of the log: it cosigns what goes on from what it has cosigned before, and nothing else.

What it has cosigned is in its journal before anybody hears of it: the answer is made of what is committed there. Of a
log that has signed two contents for one size it cosigns nothing more, keeps both, and says so; mail goes on.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from axis import crashpoints
from axis.core import ledger, witnesses
from axis.core.instant import from_text, to_text
from axis.core.ledger import Entry
from axis.core.log import checkpoint, exchange, merkle, note, own, policy, witness
from axis.core.log.exchange import Said, Told
from axis.core.log.note import Note
from axis.core.message import Message, Route
from axis.errors import Fault, Problem, Rejected
from axis.infra.journal import witness as journal
from axis.services.agency import proofs

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from axis.core.log.checkpoint import Checkpoint
    from axis.core.log.policy import Policy, Witnessed
    from axis.core.log.witness import Request
    from axis.core.registry import Registry
    from axis.infra.journal.transaction import JournalTransaction
    from axis.infra.journal.witness import Kept
    from axis.services.agency.adapter import Agency

    Change = Callable[[JournalTransaction], None]

log = logging.getLogger("axis.witness")
SPLIT, PROOF = Fault.LOG_SPLIT.code, Fault.LOG_PROOF.code
_SAID_AT_ONCE = 5  # entries that are named in the log


def heed(agency: Agency, body: bytes, now: datetime) -> Change:
    """What the hub says about the log changes this. Raises :class:`~axis.errors.Rejected` where the log has not signed
    what it is about, or it is not in its form."""
    said, counts = exchange.read_from_log(body), witnesses.policy_of(agency.registry())
    if counts is None:  # a registry is on its way; the hub asks again
        return lambda _tx: None
    checkpoint.opened(said.checkpoint, counts.log)
    if isinstance(said, Told):
        return _told(agency, said, counts, now)
    return lambda tx: _asked(agency, tx, said, counts, now, is_first=exchange.is_first_of_day(body))


def say_policy(agency: Agency, before: Registry, now: Registry) -> None:
    """Another policy counts from this registry on: nothing prevents it, so whoever reads the log is to know."""
    old, new = witnesses.policy_of(before), witnesses.policy_of(now)
    if old is not None and old != new:
        named = (len(old.counting), len(new.counting) if new is not None else 0)
        gone = sorted(set(old.counting) - set(new.counting if new is not None else ()))
        log.warning(
            "%s: registry version %d brings another witness policy: %d witnesses before, %d now; gone: %s; "
            "see axis witness status",
            agency.code,
            now.version,
            *named,
            ", ".join(gone) or "-",
        )


# -- To cosign --------------------------------------------------------------------------------------------------------


def _asked(
    agency: Agency, tx: JournalTransaction, request: Request, counts: Policy, now: datetime, *, is_first: bool
) -> None:
    kept, last = _kept(tx, counts)
    agency.owes_word = True
    if kept.trouble == SPLIT:
        return
    judged = witness.judge(request, counts.log, last)
    if judged.cosigned is not None:
        agency.owes_other = judged.cosigned.size if is_first else 0
        of_log = _of_log(request.checkpoint, counts)
        tx.keep_witness(replace(kept, size=judged.cosigned.size, note=of_log, trouble="", trouble_at="", other=b""))
        crashpoints.reached("W01")
    elif judged.is_split:
        _stop(agency, tx, kept, request.checkpoint, SPLIT, now)
    elif judged.status == witness.UNPROCESSABLE:
        _stop(agency, tx, kept, request.checkpoint, PROOF, now)


def _kept(tx: JournalTransaction, counts: Policy) -> tuple[Kept, Checkpoint | None]:
    """What is kept about the log of this name, and the checkpoint that was cosigned last. Of another log, which begins
    where a record was put back, nothing is known but that the one before was split."""
    kept = journal.kept(tx)
    if kept.origin != counts.log.name and kept.trouble != SPLIT:
        kept = journal.Kept(tx.agency, counts.log.name, unknown=kept.unknown)
    return kept, checkpoint.read(note.read(kept.note).text) if kept.note else None


def _of_log(data: bytes, counts: Policy) -> bytes:
    """The checkpoint with the log's own line alone: what speaks for or against the log."""
    found = note.read(data)
    line = found.of(counts.log)
    return Note(found.text, (line,) if line is not None else ()).data


def _stop(agency: Agency, tx: JournalTransaction, kept: Kept, other: bytes, code: str, now: datetime) -> None:
    """The log contradicts itself (`code` LOG_SPLIT), or does not show that it goes on from what is known (LOG_PROOF):
    both checkpoints are kept, and it is said once."""
    if kept.trouble == code:
        return
    one = checkpoint.read(note.read(other).text)
    fault = Fault.LOG_SPLIT if code == SPLIT else Fault.LOG_PROOF
    known = checkpoint.read(note.read(kept.note).text) if kept.note else None
    expected = known.root.hex() if known is not None else "-"
    log.error("%s: %s", agency.code, Problem(fault, path=str(one.size), got=one.root.hex(), expected=expected).text())
    detail = {"size": one.size, "root": one.root.hex(), "cosigned": kept.size, "code": code}
    entry = Entry(now, agency.code, "log.contradicted", "", "", detail)
    tx.keep_witness(replace(kept, trouble=code, trouble_at=to_text(now), other=other), entry)


# -- What has its quorum ----------------------------------------------------------------------------------------------


def _told(agency: Agency, told: Told, counts: Policy, now: datetime) -> Change:
    try:
        seen = policy.witnessed(told.checkpoint, counts)
    except Rejected as error:
        if error.fault is not Fault.LOG_QUORUM:
            raise
        log.warning("%s: %s", agency.code, error)
        return lambda _tx: None
    told.check_entries(seen.checkpoint.size, seen.checkpoint.root)

    def change(tx: JournalTransaction) -> None:
        kept, last = _kept(tx, counts)
        if kept.trouble == SPLIT:
            agency.owes_word = True
            return
        code = _contradiction(told, seen, last)
        if code:
            agency.owes_word = True
            _stop(agency, tx, kept, told.checkpoint, code, now)
            return
        if not kept.believed or _size(kept.believed) <= seen.checkpoint.size:
            kept = replace(kept, believed=told.checkpoint, believed_at=to_text(now))
        if kept.told and told.start != kept.told:
            agency.owes_word = told.start > kept.told  # some are missing: it says from where on
            tx.keep_witness(kept)
            return
        unknown = _unknown(tx, told)
        kept = replace(
            kept,
            since=kept.since if kept.told else told.since,
            told=told.end,
            entries=(kept.entries if kept.told else told.before) + len(told.entries),
            unknown=kept.unknown + len(unknown),
        )
        tx.keep_witness(kept, _alarm(agency, unknown, now))
        proofs.keep(agency, tx, told, now)

    return change


def _size(data: bytes) -> int:
    return checkpoint.read(note.read(data).text).size


def _contradiction(told: Told, seen: Witnessed, last: Checkpoint | None) -> str:
    """The code of what speaks against the log, by what was cosigned last; "" for nothing."""
    one = seen.checkpoint
    if last is None or not last.size:
        return ""
    if one.size == last.size:
        return "" if one.root == last.root else SPLIT
    if told.cosigned != last.size:
        return ""  # it has cosigned more since that was written: what comes next tells
    (old, size) = sorted((one, last), key=lambda each: each.size)
    return "" if merkle.is_consistent(old.size, size.size, old.root, size.root, told.proof) else PROOF


def _unknown(tx: JournalTransaction, told: Told) -> list[own.Claim]:
    """What is said in the agency's name, and its journal does not know; of a home that was put back, since then."""
    home = tx.home()
    restored = home["restored_at"] if home is not None else ""
    claims = []
    for one in told.entries:
        try:
            found = own.claim(one.position, one.canonical, tx.agency)
            if found is None or (restored and ledger.read(one.canonical).time < from_text(restored)):
                continue
        except (ValueError, KeyError, TypeError):
            found = own.Claim(one.position, "?", "")
        claims.append(found)
    sent = journal.sent(tx, {one.content_digest for one in claims if one.content_digest}) if claims else set()
    answered = journal.answered(tx, {one.axis_id for one in claims if not one.content_digest}) if claims else set()
    return [
        one for one in claims if (one.content_digest not in sent if one.content_digest else one.axis_id not in answered)
    ]


def _alarm(agency: Agency, unknown: list[own.Claim], now: datetime) -> Entry | None:
    if not unknown:
        return None
    for one in unknown[:_SAID_AT_ONCE]:
        log.error(
            "%s",
            Problem(Fault.LOG_UNKNOWN, f"{one.event} {one.axis_id}".strip(), agency.code, str(one.position)).text(),
        )
    places = [one.position for one in unknown]
    return Entry(
        now, agency.code, "log.unknown", unknown[0].axis_id, "", {"places": places[:100], "count": len(places)}
    )


def settle(tx: JournalTransaction, now: datetime) -> None:
    """The operator's word that what was found has been looked into: the witness begins anew, from whatever the log
    shows next; what it was told of its own goes on being counted."""
    kept = journal.kept(tx)
    entry = Entry(now, tx.agency, "log.settled", "", "", {"code": kept.trouble, "size": kept.size})
    begun = replace(kept, size=0, note=b"", trouble="", trouble_at="", other=b"", unknown=0)
    tx.keep_witness(begun if kept.trouble else replace(kept, unknown=0), entry)


# -- The answer -------------------------------------------------------------------------------------------------------


def answer(agency: Agency, now: datetime) -> Message | None:
    """What this witness has to say to the hub, from what is committed in its journal; None where it has no key."""
    agency.owes_word = False
    keys = agency.witness_keys()
    if note.ED25519_COSIGNATURE not in keys:
        return None
    with agency.journal.reading() as reader:
        kept = journal.kept(reader)
    crashpoints.reached("W02")
    lines: dict[int, str] = {}
    if kept.note and kept.trouble != SPLIT:
        one = checkpoint.read(note.read(kept.note).text)
        for kind, signer in keys.items():
            if kind == note.ED25519_COSIGNATURE or one.size == agency.owes_other:
                key = witnesses.named(agency.installation, agency.code, signer.public_key().public_bytes_raw(), kind)
                lines[kind] = checkpoint.signed(one, key, signer, int(now.timestamp())).line.rstrip("\n")
    line, other = (lines.get(kind, "") for kind in (note.ED25519_COSIGNATURE, note.ML_DSA_44_COSIGNATURE))
    said = Said(kept.size, line, kept.told, kept.entries, kept.trouble, other)
    body = exchange.write_said(said)
    return Message(uuid.uuid4().hex, Route("in", agency.code, urgent=True), body, user_id=agency.code)

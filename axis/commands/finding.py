"""The document that somebody means: the one that a name is exactly, or what may have been meant, or what became of what
was never accepted under that name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from axis.commands import console
from axis.commands.console import LANG, REFUSED, word
from axis.commands.process import now
from axis.core import saying

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from axis.core.registry import Registry
    from axis.home import Home
    from axis.infra.record.find import Narrowed
    from axis.services.questions.trace import NotTheOne

SHOWN = 20  # of what is like it


def narrowing(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--from`` and ``--date``, which tell documents of one number apart."""
    command = click.option("--date", "day", default="", help=word("help.find.date"))(command)
    return click.option("--from", "sender", default="", help=word("help.find.from"))(command)


def ask(
    home: Home, reference: str, sender: str = "", day: str = "", to: str = "", *, as_json: bool = False
) -> dict[str, Any]:
    """The trace of the one document that is meant; of its causes only those of the agency `to`, if that is given.
    Otherwise what is like it is shown, and the command ends by the error that there is no such document, or several;
    what was refused, or waits elsewhere, under that name is the answer, and the command ends with REFUSED."""
    from axis.services.questions import trace

    narrowed = _narrowed(_registry(home).member_for(sender.strip().upper()).code if sender else "", day)
    try:
        value = _of_agency(home, reference, narrowed) if _is_agency(home) else _of_hub(home, reference, narrowed)
    except trace.NotTheOne as error:
        refused, elsewhere = _refused(home, error), _elsewhere(home, reference, narrowed, error)
        if refused or elsewhere or error.candidates:
            _show_candidates(error, refused, elsewhere, as_json=as_json)
        if refused or elsewhere:
            click.get_current_context().exit(REFUSED)
        raise
    if to:
        code = _registry(home).member_for(to).code
        value["why"] = [one for one in value["why"] if one["recipient"] == code]
        if not value["why"]:
            raise click.BadParameter(word("why.not_to", code=code), param_hint="--to")
    for one in value["why"]:
        if one["cause"] == "suspended" and (reason := _reason_of_suspension(home, one["recipient"])):
            one["facts"]["reason"] = reason
    return _titled(home, value)


def _titled(home: Home, value: dict[str, Any]) -> dict[str, Any]:
    """What the type of the document is called, where it has one."""
    from axis.home import reading_types
    from axis.services.questions.types import title

    if "type" in value["document"]:
        with reading_types(home) as types:
            value["document"]["type"] |= title(types, value["document"]["type"]["name"])
    return value


def _is_agency(home: Home) -> bool:
    return home.config.installation.role == "agency"


def _registry(home: Home) -> Registry:
    from axis.home import reading_registry

    with reading_registry(home) as registry:
        return registry


def _of_agency(home: Home, reference: str, narrowed: Narrowed) -> dict[str, Any]:
    from axis.home import reading_journals
    from axis.services.questions import own_trace

    with reading_journals(home) as journals:
        return own_trace.trace(journals, reference, narrowed, lambda: _registry(home))


def _of_hub(home: Home, reference: str, narrowed: Narrowed) -> dict[str, Any]:
    from axis.home import reading
    from axis.services.questions import trace

    with reading(home) as record:
        return trace.trace(record, reference, narrowed, registry=lambda: _registry(home), now=now())


def _narrowed(sender: str, day: str) -> Narrowed:
    from axis.infra.record.find import Narrowed

    if not day:
        return Narrowed(sender)
    from axis.core.figures import read_period

    try:
        period = read_period(day)
    except ValueError:
        raise click.BadParameter(word("report.period"), param_hint="--date") from None
    return Narrowed(sender, period.since, period.before)


def _refused(home: Home, error: NotTheOne) -> list[dict[str, Any]]:
    """What the hub has refused under that name."""
    from axis.home import reading
    from axis.services.questions import trace

    if not error.refused:
        return []
    with reading(home) as record, record.reading() as reader:
        return trace.reasons_of(reader, error.refused)


def _elsewhere(home: Home, reference: str, narrowed: Narrowed, error: NotTheOne) -> list[dict[str, Any]]:
    """What else is known under that name where no document is called so."""
    from axis.home import reading, reading_journals
    from axis.services.questions import elsewhere

    if error.fault.code == "AMBIGUOUS":
        return []
    found, has_agencies = [], _is_agency(home) or home.config.broker.kind == "embedded"
    if has_agencies:
        found += elsewhere.in_outboxes(
            {code: home.path / "agencies" / code / "outbox" for code in home.codes()}, reference
        )
    if not _is_agency(home):
        if has_agencies:
            with reading_journals(home) as journals:
                found += elsewhere.in_journals(journals, reference)
        with reading(home) as record, record.reading() as reader:
            found += elsewhere.in_quarantine(reader, reference)
        from axis.commands.queue import known_letters

        found += elsewhere.in_letters(known_letters(home), reference)
    return elsewhere.within(found, narrowed.sender, narrowed.since, narrowed.before)


def _reason_of_suspension(home: Home, code: str) -> str:
    """As it was given with the command, if that was done from this home."""
    from axis.services.questions import audit

    found = audit.find(home.path, audit.Selection(agency=code, kind="agency suspend"), "", 1)
    return str(found[0].get("reason", "")) if found else ""


def _show_candidates(
    error: NotTheOne, refused: Sequence[dict[str, Any]], elsewhere: Sequence[dict[str, Any]], *, as_json: bool
) -> None:
    """What was refused under that name, what waits elsewhere, and what may have been meant."""
    names = ("axis_id", "sender", "code", "received_at", "subject", "kind")
    shown = [{name: row[name] for name in names} for row in error.candidates]
    if as_json:
        console.data({"candidates": shown, "refused": list(refused), "elsewhere": list(elsewhere)})
        return
    if refused:
        console.say(word("find.refused", count=len(refused)))
        for one in refused:
            console.say(f"  {console.local(one['refused_at'])} · {one['sender']} · {console.plain(one['document_id'])}")
            _show_reasons(one["reasons"])
            todo = saying.remedies([reason["code"] for reason in one["reasons"]], LANG)
            console.say(f"    → {word('find.refused.next', todo=todo)}")
    for one in elsewhere:
        console.say(word(f"find.{one['where']}", since=console.local(one["since"]) or "-", sender=one["sender"] or "?"))
        console.say(
            f"  {' · '.join(console.plain(one[name]) for name in ('document_id', 'file', 'fault') if one[name])}"
        )
        _show_reasons(one["reasons"])
        console.say(f"    → {word('find.' + one['where'] + '.next', id=one['id'][:16])}")
    if shown:
        is_narrowing = any(one.name == "day" for one in click.get_current_context().command.params)
        several = "find.several" if is_narrowing else "find.several_id"
        console.say(word(several if error.fault.code == "AMBIGUOUS" else "find.similar"))
        rows = [
            (str(n), row["sender"], row["code"], console.local(row["received_at"])[:16], row["subject"], row["axis_id"])
            for n, row in enumerate(shown[:SHOWN], 1)
        ]
        columns = ["", word("find.from"), word("find.number"), word("find.accepted"), word("find.subject"), "axis id"]
        console.table(columns, rows, right={0})
        if len(shown) > SHOWN:
            console.say(word("find.more"))


def show_candidates(error: NotTheOne, *, as_json: bool) -> None:
    """What may have been meant, numbered."""
    _show_candidates(error, (), (), as_json=as_json)


def _show_reasons(reasons: Sequence[dict[str, str]]) -> None:
    for reason in told(reasons):
        console.say(f"    {reason}")


def told(reasons: Sequence[dict[str, Any]]) -> list[str]:
    """Why something was refused, a line for each reason."""
    every = [(one["code"], one["text_vi" if LANG == "vi" else "text"], "") for one in reasons]
    return [f"{every[at[0]][0]}: {console.plain(said)}" for at, said in saying.together(every)]

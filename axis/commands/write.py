"""``axis write``, ``recall``, ``update``, ``replace``, ``answer``: a clerk's words and files become a packet."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands import console
from axis.commands.console import DONE, REFUSED, UNAVAILABLE, word
from axis.commands.options import at_home, command
from axis.commands.process import now, open_home
from axis.commands.send import hand_in, show_result

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime

    from axis.core.edxml.compose import Wording
    from axis.core.registry import Registry
    from axis.home import Home
    from axis.services.write import Known

DAYS = ["%Y-%m-%d", "%d/%m/%Y"]
FILES = click.Path(path_type=Path, exists=True, dir_okay=False)


def going_out(made: Callable[..., Any]) -> Callable[..., Any]:
    """What every command has that makes a packet."""
    for option in (
        click.option("--wait", type=float, default=60, show_default=True, help=word("help.send.wait")),
        click.option("-o", "output", type=click.Path(path_type=Path, dir_okay=False), help=word("help.write.output")),
        click.option("--only-make", is_flag=True, help=word("help.write.only_make")),
        click.option("--from", "sender", default="", help=word("help.write.from")),
    ):
        made = option(made)
    return at_home(made)


def worded(made: Callable[..., Any]) -> Callable[..., Any]:
    """What a document of its own has."""
    for option in (
        click.option("--priority", type=click.IntRange(0, 4), default=0, help=word("help.write.priority")),
        click.option("--due", type=click.DateTime(DAYS), help=word("help.write.due")),
        click.option("--position", default="", help=word("help.write.position")),
        click.option("--signer", default="", help=word("help.write.signer")),
        click.option("--kind", "type_name", default="Công văn", show_default=True, help=word("help.write.kind")),
        click.option("--date", "day", type=click.DateTime(DAYS), help=word("help.write.date")),
        click.option("--subject", required=True, help=word("help.write.subject")),
        click.option("--notation", required=True, help=word("help.write.notation")),
        click.option("--number", required=True, help=word("help.write.number")),
        click.option("--to", multiple=True, help=word("help.send.to")),
    ):
        made = option(made)
    return made


@command(
    "help.write",
    'axis write --from G22 --to H41 --number 15 --notation VPCP-HC --subject "Về việc họp giao ban" cong-van.pdf',
    changes=True,
)
@click.argument("files", nargs=-1, type=FILES)
@worded
@going_out
def write(home: Path, files: tuple[Path, ...], to: tuple[str, ...], **given: Any) -> None:
    """A new document."""
    table = _Table(home, given)
    if not to:
        raise click.UsageError(word("write.to_whom"))
    table.send(table.wording(table.sender_of(), to), files)


@command(
    "help.answer",
    'axis answer 12/CT-TTg --from H41 --number 7 --notation UBND-VP --subject "Trả lời" cong-van.pdf',
    changes=True,
)
@click.argument("reference")
@click.argument("files", nargs=-1, type=FILES)
@worded
@going_out
def answer(home: Path, reference: str, files: tuple[Path, ...], to: tuple[str, ...], **given: Any) -> None:
    """A document that answers one that has come."""
    from dataclasses import replace

    from axis.services import write as services

    table = _Table(home, given)
    about = table.find(reference, came=True)
    table.given["sender"] = table.given["sender"] or about.agency
    said = table.wording(table.sender_of(), to or (about.organ.organ_id,))
    table.send(replace(said, answers=(services.answers(about),)), files)


@command("help.recall", 'axis recall 12/CT-TTg --reason "Ban hành nhầm"', changes=True)
@click.argument("reference")
@click.option("--to", multiple=True, help=word("help.recall.to"))
@click.option("--reason", required=True, help=word("help.recall.reason"))
@going_out
def recall(home: Path, reference: str, to: tuple[str, ...], reason: str, **given: Any) -> None:
    """It is asked back."""
    from axis.core.edxml import Kind

    table = _Table(home, given)
    table.change(table.find(reference), Kind.RECALL, reason, to, ())


@command("help.update", 'axis update 12/CT-TTg --reason "Sửa lỗi đánh máy" cong-van.pdf', changes=True)
@click.argument("reference")
@click.argument("files", nargs=-1, type=FILES)
@click.option("--reason", required=True, help=word("help.update.reason"))
@click.option("--add", "added", multiple=True, help=word("help.update.add"))
@click.option("--remove", "removed", multiple=True, help=word("help.update.remove"))
@going_out
def update(
    home: Path,
    reference: str,
    files: tuple[Path, ...],
    reason: str,
    added: tuple[str, ...],
    removed: tuple[str, ...],
    **given: Any,
) -> None:
    """What it says, or who receives it, changes."""
    from axis.core.edxml import Kind

    if not (files or added or removed):
        raise click.UsageError(word("update.nothing"))
    table = _Table(home, given)
    more = {"changes_content": bool(files), "added": added, "removed": removed}
    table.change(table.find(reference), Kind.UPDATE, reason, (), files, **more)


@command(
    "help.replace",
    'axis replace 12/CT-TTg --number 16 --notation VPCP-HC --subject "Về việc họp" --reason "Đổi lịch" cong-van.pdf',
    changes=True,
)
@click.argument("reference")
@click.argument("files", nargs=-1, type=FILES)
@click.option("--reason", required=True, help=word("help.update.reason"))
@worded
@going_out
def replace(
    home: Path, reference: str, files: tuple[Path, ...], to: tuple[str, ...], reason: str, **given: Any
) -> None:
    """A new document takes its place."""
    from dataclasses import replace

    from axis.core.edxml import Kind
    from axis.core.edxml.compose import About

    table = _Table(home, given)
    about = table.find(reference)
    had = tuple(one.organ_id for one in about.recipients)
    said = table.wording(about.organ.organ_id, to or had)
    table.send(replace(said, about=About(Kind.REPLACE, about.document_id, reason, had)), files)


class _Table:
    """What one of these commands works with: `given` are its options."""

    def __init__(self, home: Path, given: dict[str, Any]) -> None:
        self.home: Home = open_home(home)
        self.given = given
        self.as_json = bool(given["as_json"])
        if given["output"] is not None and not given["only_make"]:
            raise click.UsageError(word("write.only_make"))

    @property
    def registry(self) -> Registry:
        """What this home knows."""
        from axis.home import reading_registry

        with reading_registry(self.home) as registry:
            return registry

    def sender_of(self) -> str:
        """Who writes: asked for only where this home has several agencies."""
        if self.given["sender"]:
            return str(self.given["sender"])
        codes = self.home.codes()
        if len(codes) != 1:
            raise click.UsageError(word("write.from_whom", codes=", ".join(codes[:10])))
        return codes[0]

    def wording(self, sender: str, to: Sequence[str]) -> Wording:
        """A document of its own in the clerk's words."""
        from axis.core.edxml.compose import Wording
        from axis.core.instant import VIETNAM
        from axis.services.send import expand
        from axis.services.write import organ_of

        given, registry, moment = self.given, self.registry, now()
        day: datetime | None = given["day"]
        issued: date = day.date() if day is not None else moment.astimezone(VIETNAM).date()
        codes = expand(registry, registry.member_for(sender).code, to, moment)
        return Wording(
            organ_of(registry, sender),
            tuple(organ_of(registry, code) for code in codes),
            given["number"].strip(),
            given["notation"].strip(),
            given["subject"].strip(),
            issued,
            given["type_name"].strip(),
            given["signer"].strip(),
            given["position"].strip(),
            given["due"].date() if given["due"] is not None else None,
            given["priority"],
        )

    def find(self, reference: str, *, came: bool = False) -> Known:
        """The document that is meant, as ``axis trace`` finds it: of those that were sent, or that have come."""
        from axis.commands.finding import show_candidates
        from axis.errors import Fault, Misconfigured, Problem
        from axis.home import reading_journals
        from axis.services.questions import own_trace
        from axis.services.questions.trace import NotTheOne
        from axis.services.write import known

        with reading_journals(self.home) as every:
            journals = dict(every)
            if sender := self.given["sender"]:
                code = self.registry.member_for(sender).code
                if code not in journals:
                    raise Misconfigured(Problem(Fault.KEY_FILE_MISSING, got=f"{self.home.path}/keys/{code}.key"))
                journals = {code: journals[code]}
            ask = own_trace.received if came else own_trace.sent
            try:
                return known(journals, ask(journals, reference))
            except NotTheOne as error:
                other = own_trace.turned_round(journals, reference, error, came=came)
                if other.candidates:
                    show_candidates(other, as_json=self.as_json)
                raise other from None

    def change(
        self, about: Known, kind: Any, reason: str, to: Sequence[str], files: Sequence[Path], **more: Any
    ) -> None:
        """What takes a document back or changes it, to all who have it or only to these."""
        from dataclasses import replace

        from axis.services.write import changing, organ_of

        said = changing(about, kind, reason, now(), **more)
        if to:
            registry = self.registry
            said = replace(said, recipients=tuple(organ_of(registry, code) for code in to))
        self.send(said, files)

    def send(self, said: Wording, files: Sequence[Path]) -> None:
        """Judge it; with no finding that forbids it, make it and send it."""
        from axis.home import hub_certificate, reading_journal
        from axis.services import write as services

        contents = services.read_files(files)
        sender = self.registry.member_for(said.sender.organ_id).code
        with reading_journal(self.home, sender) as journal:
            letter, names = services.letter(journal, hub_certificate(self.home), said, contents, now())
        for file, name in zip(files, names, strict=True):
            if file.name != name:
                console.note("write.called", file=file.name, name=name)
        findings = [*letter.problems, *letter.warnings]
        if letter.problems or (self.given["only_make"] and self.as_json):
            if self.as_json:
                console.data({"file": letter.name, "findings": [one.as_json(console.LANG) for one in findings]})
            else:
                console.findings(findings)
                console.say(word("write.bad", errors=len(letter.problems)))
            if letter.problems:
                sys.exit(REFUSED)
        elif letter.warnings and not self.as_json:
            console.findings(letter.warnings)
        if self.given["only_make"]:
            self._make(letter.name, letter.data)
            return
        (result,) = hand_in(self.home, sender, [letter], self.given["wait"])
        show_result(result, self.as_json)
        if result["state"] == "accepted" and not self.as_json:
            console.note("write.next", reference=f"{said.number}/{said.notation}", home=self.home.path)
        states = {"accepted": DONE, "pending": UNAVAILABLE}
        sys.exit(states.get(result["state"], REFUSED))

    def _make(self, name: str, data: bytes) -> None:
        """A file of its own; what lies there already stays."""
        from axis.services.write import keep

        place = self.given["output"] or Path(name)
        keep(place, data)
        if not self.as_json:
            console.say(word("write.made", file=place))

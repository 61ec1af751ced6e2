"""``axis write``, ``recall``, ``update``, ``replace``, ``answer``, ``mark``: a packet of a clerk's words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands import console
from axis.commands.console import DONE, REFUSED, UNAVAILABLE, word
from axis.commands.meant import near
from axis.commands.options import DAYS, MOMENTS, at_home, command
from axis.commands.process import now, open_home
from axis.commands.send import hand_in, show_result

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime

    from axis.core.edxml.compose import Wording
    from axis.core.registry import Registry
    from axis.home import Home
    from axis.services.send import Letter
    from axis.services.write import Known

# What a recipient's clerk says: 01 is said by the adapter, 13 is ``axis recall``.
STATUSES, NEED_REASON = ("02", "03", "04", "05", "06", "15", "16"), {"02", "16"}
LONGEST = 500  # characters of a reason: as many as the packet holds
FILES = click.Path(path_type=Path, exists=True, dir_okay=False)


def going_out(made: Callable[..., Any]) -> Callable[..., Any]:
    """What every command has that makes a packet."""
    for option in (
        click.option("--wait", type=float, default=60, show_default=True, help=word("help.send.wait")),
        click.option("-o", "output", type=click.Path(path_type=Path, dir_okay=False), help=word("help.write.output")),
        click.option("--only-make", is_flag=True, help=word("help.write.only_make")),
    ):
        made = option(made)
    return at_home(made)


def by(key: str, *names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Who does it."""
    return click.option(*(names or ("--from",)), "sender", default="", help=word(key))


def worded(made: Callable[..., Any]) -> Callable[..., Any]:
    """What a document of its own has."""
    for option in (
        click.option("--priority", type=click.IntRange(0, 4), default=0, help=word("help.write.priority")),
        click.option("--due", type=click.DateTime(MOMENTS), help=word("help.write.due")),
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
@by("help.write.from")
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
@by("help.write.from")
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
@by("help.write.from")
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
@by("help.write.from")
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
@by("help.write.from")
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


@command("help.mark", "axis mark 12/CT-TTg 03 --as H41", changes=True)
@click.argument("reference")
@click.argument("status", type=click.Choice(STATUSES))
@click.option("--department", default="", help=word("help.mark.department"))
@click.option("--staff", default="", help=word("help.mark.staff"))
@click.option("--reason", "--note", "reason", default="", help=word("help.mark.reason"))
@by("help.mark.as", "--as", "--from")
@going_out
def mark(home: Path, reference: str, status: str, reason: str, staff: str, department: str, **given: Any) -> None:
    """What has become of a document that has come: its sender is told."""
    from axis.home import hub_certificate, reading_journal
    from axis.services import write as services

    table = _Table(home, given)
    reason = " ".join(reason.split())
    if status in NEED_REASON and not reason:
        raise click.UsageError(word("mark.why", status=status))
    if len(reason) > LONGEST:
        raise click.UsageError(word("mark.long", count=len(reason), most=LONGEST))
    about = table.find(reference, came=True)
    said = services.Mark(status, reason, staff.strip(), department.strip())
    senders = services.reporters(about, table.registry, now(), given["sender"])
    if given["only_make"] and len(senders) > 1:
        raise click.UsageError(word("mark.whose", codes=", ".join(one.organ_id for one in senders)))
    with reading_journal(table.home, about.agency) as journal:
        hub, moment = hub_certificate(table.home), now()
        made = [services.status_letter(journal, hub, one, about, said, moment) for one in senders]
    table.hand_over(made, about.agency, f"{about.number}/{about.notation}")


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
            raise click.UsageError(word("write.from_whom", codes=console.several(codes)))
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
            self._due(issued, moment.astimezone(VIETNAM).date()),
            given["priority"],
        )

    def _due(self, issued: date, today: date) -> date | None:
        """By when an answer is wanted. Before the day of issue it is a slip of the pen, and refused before anything is
        sent; that it is over may be so, of what is sent late, and is said; so is an hour, which no packet holds."""
        from axis.texts import day

        if (given := self.given["due"]) is None:
            return None
        due: date = given.date()
        shown = day(due.isoformat(), console.LANG)
        if due < issued:
            raise click.UsageError(word("write.due_early", due=shown, day=day(issued.isoformat(), console.LANG)))
        if due < today:
            console.note("write.due_past", due=shown)
        if given.time() != given.min.time():
            console.note("write.due_day", due=shown)
        return due

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
        from axis.core.edxml import Kind
        from axis.home import hub_certificate, reading_journal
        from axis.services import write as services

        if not files and (said.about is None or said.about.kind is Kind.REPLACE):
            console.note("write.no_files")
        contents = services.read_files(files)
        sender = self.registry.member_for(said.sender.organ_id).code
        with reading_journal(self.home, sender) as journal:
            letter, names = services.letter(journal, hub_certificate(self.home), said, contents, now())
        for file, name in zip(files, names, strict=True):
            if file.name != name:
                console.note("write.called", file=file.name, name=name)
        self.hand_over([letter], sender, f"{said.number}/{said.notation}")

    def hand_over(self, letters: Sequence[Letter], sender: str, reference: str) -> None:
        """Send what was made; with a finding that forbids it, say that instead."""
        errors = sum(len(one.problems) for one in letters)
        for letter in letters:
            self._show(letter)
        if errors:
            if not self.as_json:
                console.say(word("write.bad", errors=errors))
            raise console.Ended(REFUSED, (one.fault.code for letter in letters for one in letter.problems))
        if self.given["only_make"]:
            for letter in letters:
                self._make(letter.name, letter.data)
            return
        results = hand_in(self.home, sender, letters, self.given["wait"])
        for result in results:
            show_result(result, self.as_json)
        states = {result["state"] for result in results}
        if states == {"accepted"} and not self.as_json:
            console.note("write.next", reference=reference, home=self.home.path)
        end = DONE if states == {"accepted"} else UNAVAILABLE if "pending" in states else REFUSED
        raise console.Ended(end, (one["code"] for result in results for one in result["findings"]))

    def _show(self, letter: Letter) -> None:
        """Its findings, where there are any; with --json only of what is not sent."""
        found = [*letter.problems, *letter.warnings]
        if self.as_json and (letter.problems or self.given["only_make"]):
            console.data({"file": letter.name, "findings": [one.as_json(console.LANG) for one in found]})
        elif found and not self.as_json:
            console.findings(found)
            console.suggest(near(self.home.path, found))

    def _make(self, name: str, data: bytes) -> None:
        """A file of its own; what lies there already stays."""
        from axis.services.write import keep

        place = self.given["output"] or Path(name)
        keep(place, data)
        if not self.as_json:
            console.say(word("write.made", file=place))

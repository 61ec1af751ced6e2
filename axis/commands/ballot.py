"""``axis ballot …``: opinion ballots of the Government's members, from the question to a result that all recount."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands import console
from axis.commands.console import DONE, LANG, REFUSED, UNAVAILABLE, plain, word
from axis.commands.options import at_home, settings
from axis.commands.process import now, open_home
from axis.commands.send import hand_in, show_result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from axis.core.ballot.tally import Result
    from axis.errors import Problem
    from axis.home import Home
    from axis.services.ballots import Office, Step


@click.group(help=word("help.ballot"), short_help=word("help.ballot"))
def ballot() -> None:
    """See the help text."""


def _at_agency(command: Callable[..., Any]) -> Callable[..., Any]:
    wait = click.option("--wait", type=float, default=60, show_default=True, help=word("help.send.wait"))
    return click.option("--as", "sender", required=True, help=word("help.ballot.as"))(wait(at_home(command)))


@contextmanager
def _office(home: Home, code: str) -> Iterator[Office]:
    from axis.home import hub_certificate, reading_journal
    from axis.services.ballots import Office

    with reading_journal(home, code) as journal:
        yield Office(home.path, code, journal, hub_certificate(home))


def _send(home: Home, code: str, steps: Sequence[Step], wait: float, as_json: bool, **more: Any) -> None:
    """Send the packets of a step as any other, and say what became of them. Ends the command."""
    from axis.errors import Rejected
    from axis.home import hub_certificate, reading_journal
    from axis.services import send

    with reading_journal(home, code) as journal:
        hub = hub_certificate(home)
        letters = [send.prepare(journal, hub, code, step.name, step.packet, (), now()) for step in steps]
    if bad := [problem for letter in letters for problem in letter.problems]:
        raise Rejected(*bad)
    results = hand_in(home, code, letters, wait) if letters else []
    for result in results:
        show_result(result | more if as_json else result, as_json)
    states = {result["state"] for result in results}
    sys.exit(DONE if states <= {"accepted"} else UNAVAILABLE if "pending" in states else REFUSED)


@ballot.command(
    "open", **settings("help.ballot.open", "axis ballot open phieu.json --as G22 --paper du-thao.pdf", changes=True)
)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--paper", "papers", multiple=True, type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help=word("help.ballot.paper"))  # fmt: skip
@_at_agency
def ballot_open(home: Path, file: Path, papers: tuple[Path, ...], sender: str, wait: float, as_json: bool) -> None:
    """Ask the members."""
    opened = open_home(home)
    with _office(opened, sender) as office:
        asked, step = office.ask(file.read_bytes(), [(one.name, one.read_bytes()) for one in papers], now())
    if not as_json:
        console.say(word("ballot.digest", id=asked.id, digest=asked.digest[:12]))
    _send(opened, sender, [step], wait, as_json, ballot=asked.digest)


@ballot.command(
    "vote",
    **settings(
        "help.ballot.vote", "axis ballot vote PLYK-2026-012 --as G06 --by tv-01@G06 --choose 1=agree", changes=True
    ),
)
@click.argument("reference")
@click.option("--by", "person", required=True, help=word("help.ballot.by"))
@click.option("--choose", "choices", multiple=True, required=True, help=word("help.ballot.choose"))
@click.option("--comment", "comments", multiple=True, help=word("help.ballot.comment"))
@click.option("--act", type=click.Path(path_type=Path, exists=True, dir_okay=False), help=word("help.ballot.act"))
@_at_agency
def ballot_vote(
    home: Path,
    reference: str,
    person: str,
    choices: tuple[str, ...],
    comments: tuple[str, ...],
    act: Path | None,
    sender: str,
    wait: float,
    as_json: bool,
) -> None:
    """A member's vote, signed and sealed."""
    from axis.core.ballot.vote import Answer

    opened = open_home(home)
    said = _numbered(comments)
    answers = [Answer(number, option, said.get(number, "")) for number, option in sorted(_numbered(choices).items())]
    with _office(opened, sender) as office:
        held = office.find(reference)
        given = act.read_bytes() if act is not None else b""
        digest, step = office.vote(held.ballot, person, answers, now(), act=given)
    if not as_json:
        console.say(word("ballot.voted", digest=digest))
    _send(opened, sender, [step], wait, as_json, vote=digest)


def _numbered(given: Sequence[str]) -> dict[int, str]:
    """``1=agree`` by the number before the sign."""
    found: dict[int, str] = {}
    for one in given:
        number, sign, text = one.partition("=")
        if not sign or not number.isdecimal() or int(number) in found:
            raise click.BadParameter(one)
        found[int(number)] = text
    return found


@ballot.command(
    "delegate",
    **settings(
        "help.ballot.delegate", "axis ballot delegate PLYK-2026-012 --as H41 --by ct@H41 --to pct@H41 -o uy-quyen.p7s"
    ),
)
@click.argument("reference")
@click.option("--by", "person", required=True, help=word("help.ballot.by"))
@click.option("--to", "delegate", required=True, help=word("help.ballot.to"))
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help=word("help.ballot.output")
)
@click.option("--as", "sender", required=True, help=word("help.ballot.as"))
@at_home
def ballot_delegate(
    home: Path, reference: str, person: str, delegate: str, output: Path, sender: str, as_json: bool
) -> None:
    """A member's delegation, signed, as a file."""
    with _office(open_home(home), sender) as office:
        output.write_bytes(office.delegate(office.find(reference).ballot, person, delegate, now()))
    if as_json:
        console.data({"file": str(output), "member": person, "delegate": delegate})
    else:
        console.say(word("ballot.delegated", file=output, delegate=delegate))


def _step(name: str, example: str) -> Callable[[Callable[..., Any]], click.Command]:
    made = ballot.command(name, **settings(f"help.ballot.{name}", example, changes=True))
    return lambda function: made(click.argument("reference")(_at_agency(function)))


@_step("close", "axis ballot close PLYK-2026-012 --as G22")
def ballot_close(home: Path, reference: str, sender: str, wait: float, as_json: bool) -> None:
    """Name the sealed votes that there are."""
    opened = open_home(home)
    with _office(opened, sender) as office:
        step = office.close(office.find(reference).ballot, now())
    _send(opened, sender, [step], wait, as_json)


@_step("unseal", "axis ballot unseal PLYK-2026-012 --as G01")
def ballot_unseal(home: Path, reference: str, sender: str, wait: float, as_json: bool) -> None:
    """The trustee's part of the opening."""
    opened = open_home(home)
    with _office(opened, sender) as office:
        step = office.unseal(office.find(reference).ballot, now())
    _send(opened, sender, [step], wait, as_json)


@_step("result", "axis ballot result PLYK-2026-012 --as G22")
def ballot_result(home: Path, reference: str, sender: str, wait: float, as_json: bool) -> None:
    """Open, count, publish."""
    from axis.services.ballots import as_json as plain_result

    opened = open_home(home)
    with _office(opened, sender) as office:
        result, step = office.result(office.find(reference).ballot, now())
    if not as_json:
        _show_counted(result)
    _send(opened, sender, [step], wait, as_json, **(plain_result(result) if as_json else {}))


@_step("remind", "axis ballot remind PLYK-2026-012 --as G22")
def ballot_remind(home: Path, reference: str, sender: str, wait: float, as_json: bool) -> None:
    """Remind who is late."""
    opened = open_home(home)
    with _office(opened, sender) as office:
        steps = office.remind(office.find(reference).ballot, now())
    if not steps and not as_json:
        console.say(word("ballot.nobody"))
    _send(opened, sender, steps, wait, as_json)


@ballot.command("status", **settings("help.ballot.status", "axis ballot status --as G22"))
@click.argument("reference", required=False)
@click.option("--as", "sender", required=True, help=word("help.ballot.as"))
@at_home
def ballot_status(home: Path, reference: str | None, sender: str, as_json: bool) -> None:
    """Where ballots stand."""
    with _office(open_home(home), sender) as office:
        held = [office.find(reference)] if reference else office.ballots()
        rows = [office.status(one, now()) for one in held]
    for row in rows:
        if as_json:
            console.data(row)
            continue
        facts = row | {"due_at": console.local(row["due_at"]), "stage": word(f"ballot.stage.{row['stage']}")}
        console.say(word("ballot.status", **facts))
        if row["missing"]:
            console.say("  " + word("ballot.missing", persons=", ".join(row["missing"])))
    if not rows and not as_json:
        console.say(word("ballot.none"))


@ballot.command("verify", **settings("help.ballot.verify", "axis ballot verify PLYK-2026-012 --as H41"))
@click.argument("reference")
@click.option("--as", "sender", help=word("help.ballot.as"))
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help=word("help.ballot.keep"))
@at_home
def ballot_verify(home: Path, reference: str, sender: str | None, keep: Path | None, as_json: bool) -> None:
    """Count again from the parcels alone."""
    from axis.core.ballot import recount
    from axis.home import hub_certificate
    from axis.services import ballots

    opened = open_home(home)
    if Path(reference).is_dir():
        result, found = ballots.verify_folder(Path(reference), hub_certificate(opened))
    elif sender is None:
        raise click.MissingParameter(param_hint="--as", param_type="option")
    else:
        with _office(opened, sender) as office:
            result, found, parcels = office.verify(office.find(reference))
            if keep is not None:
                ballots.keep(keep, office.registry_parcel, parcels)
    if as_json:
        console.data(
            {"verdict": "FAILED" if found else "PASSED", **ballots.as_json(result), "differences": _told(found)}
        )
    else:
        _show_counted(result)
    if not found and not as_json:
        console.say(word("ballot.follows", votes=len(result.votes)))
    recount.check(found)


def _told(found: Sequence[Problem]) -> list[dict[str, Any]]:
    return [problem.as_json(LANG) for problem in found]


def _show_counted(result: Result) -> None:
    asked = result.ballot
    console.say(word("ballot.result", id=asked.id, subject=asked.subject))
    settings_ = {name: word(f"ballot.{name}.{getattr(asked, name)}") for name in ("rule", "tie", "silence")}
    console.say("  " + word("ballot.settings", **settings_))
    for question, decided in zip(asked.questions, result.decided, strict=True):
        names = {one.code: plain(one.vi if LANG == "vi" else one.en or one.vi) for one in question.options}
        counts = "; ".join(f"{names[code]}: {count}" for code, count in decided.counts)
        outcome = word(f"ballot.by.{decided.by}", option=names.get(decided.option, ""), base=decided.base)
        console.say(f"  {question.number}. {plain(question.text)}\n     {counts}\n     {outcome}")
    columns = [word(f"column.{name}") for name in ("person", "verdict", "reason", "vote")]
    rows = [
        (
            one.member + (f" ({word('ballot.delegate', person=one.delegate)})" if one.delegate else ""),
            word(f"ballot.verdict.{one.verdict}"),
            one.reason,
            one.vote[:16],
        )
        for one in result.votes
    ]
    console.table(columns, rows)
    if result.missing:
        console.say(word("ballot.missing", persons=", ".join(result.missing)))

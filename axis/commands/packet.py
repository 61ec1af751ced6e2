"""``axis packet …``: what an edXML packet says, and what is wrong with it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from axis.commands import console
from axis.commands.console import DONE, REFUSED, word
from axis.commands.options import common, settings
from axis.commands.process import now
from axis.errors import Fault, Rejected


@click.group(help=word("help.packet"), short_help=word("help.packet"))
def packet() -> None:
    """See the help text."""


@packet.command("check", **settings("help.packet.check", "axis packet check van-ban.edxml"))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@common
def packet_check(files: tuple[Path, ...], as_json: bool) -> None:
    """Every finding."""
    from axis.core import edxml
    from axis.core.instant import VIETNAM

    bad = 0
    for file in files:
        converted = edxml.convert(file.read_bytes())
        problems = [*converted.problems]
        if converted.packet is not None:
            today = now().astimezone(VIETNAM).date()
            problems += [p for p in edxml.check(converted.packet, today) if p.fault is Fault.PACKET_FUTURE]
        errors = sum(p.severity == "error" for p in problems)
        bad += errors
        if as_json:
            for problem in problems:
                console.data({"file": str(file), **problem.as_json(console.LANG)})
            continue
        if problems:
            console.findings(problems)
        key = "check.bad" if problems else "check.good"
        console.say(word(key, file=file, errors=errors, warnings=len(problems) - errors))
    sys.exit(REFUSED if bad else DONE)


@packet.command("show", **settings("help.packet.show", "axis packet show van-ban.edxml"))
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@common
def packet_show(file: Path, as_json: bool) -> None:
    """What it says."""
    import hashlib

    from axis.core import edxml

    converted = edxml.convert(file.read_bytes())
    said = converted.packet
    if said is None:
        raise Rejected(*converted.problems)
    value: dict[str, Any] = {
        "kind": said.kind.value,
        "from": {"organ_id": said.sender.organ_id, "name": said.sender.name},
        "to": [{"organ_id": o.organ_id, "name": o.name} for o in said.recipients],
        "document_id": said.document_id,
        "code": said.code,
        "subject": said.subject,
        "promulgation_date": said.promulgation_date,
        "due_date": said.due_date,
        "priority": said.priority,
        "response_for": [
            {"organ_id": r.organ_id, "code": r.code, "document_id": r.document_id} for r in said.response_for
        ],
        "status_code": said.status_code,
        "description": said.description,
        "timestamp": said.timestamp,
        "attachments": [
            {
                "name": a.name,
                "content_type": a.content_type,
                "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
            for a, content in zip(said.attachments, converted.attachments, strict=False)
        ],
    }
    if as_json:
        console.data(value)
        return
    console.fields(value)

"""``axis evidence``: one document with all that proves what became of it, for whoever need not believe its maker."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from axis.commands import console
from axis.commands.console import word
from axis.commands.options import at_home, command
from axis.commands.process import now, open_home

if TYPE_CHECKING:
    from axis.core.evidence.form import Part
    from axis.core.evidence.judge import Anchors, Judged, Stamped
    from axis.core.log.note import VerifierKey
    from axis.core.parcel import Trust
    from axis.home import Home
    from axis.services.questions.evidence import Gathered


@command("help.evidence", "axis evidence 1234/VPCP-KSTT -o 1234.asice")
@click.argument("reference")
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path, dir_okay=False), help=word("help.evidence.output")
)
@click.option("--as", "maker", default="", metavar=word("metavar.code"), help=word("help.evidence.as"))
@at_home
def evidence(home: Path, reference: str, output: Path, maker: str, as_json: bool) -> None:
    """See the help text."""
    from axis.commands.finding import ask
    from axis.home import signer_of
    from axis.services.questions import evidence as questions

    if output.exists():
        raise click.UsageError(word("evidence.exists", path=output))
    opened = open_home(home)
    axis_id = str(ask(opened, reference, as_json=as_json)["document"]["axis_id"])
    by, gathered = _gathered(opened, axis_id, maker)
    signer, moment = signer_of(opened, by), now()
    said, contents = gathered.evidence(by, moment)
    found = questions.judge_parts(said, contents, anchors(opened))
    said, contents = gathered.evidence(by, moment, _for_people(gathered, found, by))
    data = questions.build(said, contents, signer)
    beside = output.with_name(f".{output.name}.part")
    beside.write_bytes(data)
    beside.replace(output)
    receipts = sum(one.kind in {"acceptance", "receipt"} for one in said.parts)
    facts = {"path": str(output), "parts": len(said.parts), "receipts": receipts}
    facts |= {"digest": hashlib.sha256(data).hexdigest()}
    if as_json:
        console.data(facts | {"steps": [questions.as_facts(one) for one in found.steps]})
        return
    console.say(word("evidence.written", **facts))
    show(found)
    console.say(word("evidence.how", path=output, manual=1))


def _for_people(gathered: Gathered, found: Judged, maker: str) -> list[tuple[Part, bytes]]:
    """VERIFY.txt, and the page in both languages. What VERIFY.txt names is numbered with them before it."""
    from axis.commands.evidence_page import code, page
    from axis.core.evidence import form
    from axis.core.evidence.form import Part
    from axis.core.evidence.manual import manual

    named = [Part(form.MANUAL, "VERIFY.txt"), Part(form.PAGE, "page.vi.html"), Part(form.PAGE, "page.en.html")]
    assert found.evidence is not None  # noqa: S101  it was judged from its parts
    said, _ = gathered.evidence(maker, found.evidence.made_at, [(one, b"") for one in named])
    picture = code(said)
    texts = [manual(found, said), page(found, said, "vi", picture), page(found, said, "en", picture)]
    return list(zip(named, (one.encode() for one in texts), strict=True))


def _gathered(home: Home, axis_id: str, maker: str) -> tuple[str, Gathered]:
    from axis.core.registry import HUB
    from axis.core.witnesses import text_in
    from axis.home import reading, reading_journals, reading_registry
    from axis.infra.log import store
    from axis.services.questions import evidence as questions

    if home.config.installation.role == "agency":
        with reading_journals(home) as journals:
            if not maker and len(journals) > 1:
                raise click.UsageError(word("evidence.whose", codes="|".join(sorted(journals))))
            if maker and maker not in journals:
                raise click.UsageError(word("evidence.no_key", code=maker))
            with reading_registry(home) as registry:
                found = questions.at_agency(journals, axis_id, registry)
        return maker or next(iter(journals)), found
    if maker not in {"", HUB}:
        raise click.UsageError(word("evidence.no_key", code=maker))
    with reading(home) as record, record.reading() as reader:
        head, key = store.head(reader.connection), log_key(home)
        named = replace(key, name=head.origin) if head is not None and key is not None else None
        with reading_registry(home) as registry:
            policy = text_in(registry)
        return HUB, questions.at_centre(reader, axis_id, named, policy)


def log_key(home: Home) -> VerifierKey | None:
    """The public key of the log, where this home has the log's; what the log is called does not matter."""
    from axis.services.hub.log import load_key, origin

    found = load_key(home.path / "pki")
    return found.of(origin(home.config.installation.id)) if found is not None else None


def anchors(
    home: Home | None, trust: Trust | None = None, log: VerifierKey | None = None, authority: bytes = b""
) -> Anchors:
    """What is believed: what a home knows, or what was given. `authority`: whose time-stamps (PEM)."""
    from axis.core.evidence.judge import Anchors
    from axis.core.witnesses import policy_of
    from axis.home import reading_registry

    those = (authority,) if authority else ()
    if trust is not None or home is None:
        assert trust is not None  # noqa: S101  one of them is given
        return Anchors(trust, log, None, _stamped(), those)
    with reading_registry(home) as registry:
        policy = policy_of(registry)
    known = log or log_key(home) or (policy.log if policy is not None else None)
    return Anchors(registry, known, policy, _stamped(), those)


def _stamped() -> Stamped | None:
    """What reads time-stamps, where the library for them is installed; what is not read is said to be missing."""
    from importlib.util import find_spec

    if find_spec("rfc3161_client") is None:
        console.note("evidence.no_reader")
        return None
    from axis.infra.timestamps import stamped

    return stamped


def show(found: Judged) -> None:
    """A line for each step."""
    from axis.commands.evidence_page import sentence

    for one in found.steps:
        said = console.plain(sentence(one, console.LANG))
        part = f" [{console.plain(one.part)}]" if one.part else ""
        verdict = word("evidence.unchecked" if one.name == "page" else f"evidence.{one.verdict}")
        console.say(f"  {verdict:9} {word(f'evidence.name.{one.name}')}{part}: {said}")

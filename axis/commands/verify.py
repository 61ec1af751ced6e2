"""``axis verify``: verdict and reasons about parcels and receipts."""

from __future__ import annotations

import glob
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from axis.commands import console
from axis.commands.console import DONE, REFUSED, word
from axis.commands.options import at_home, command
from axis.commands.process import now, open_home

if TYPE_CHECKING:
    from datetime import datetime

    from axis.core.evidence.judge import Anchors
    from axis.home import Home


@command("help.verify", "axis verify inbox/*.asice --trust pki/ca.pem")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--trust",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=word("help.verify.trust"),
)
@click.option("--at", type=click.DateTime(["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"]), help=word("help.verify.at"))
@click.option("--strict", is_flag=True, help=word("help.verify.strict"))
@click.option(
    "--log-key",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=word("help.verify.log_key"),
)
@click.option("--tsa", type=click.Path(path_type=Path, exists=True, dir_okay=False), help=word("help.verify.tsa"))
@at_home
def verify(
    home: Path,
    files: tuple[Path, ...],
    trust: Path | None,
    at: datetime | None,
    strict: bool,
    log_key: Path | None,
    tsa: Path | None,
    as_json: bool,
) -> None:
    """Verdict and reasons."""
    from datetime import UTC

    from axis.commands.evidence import anchors
    from axis.commands.evidence import log_key as known_log
    from axis.core.log.note import verifier_key
    from axis.core.registry import Registry
    from axis.core.witnesses import policy_of
    from axis.services.questions import verify

    moment = at.replace(tzinfo=UTC) if at else None
    log = verifier_key(log_key.read_text("utf-8").strip()) if log_key is not None else None
    opened: Home | None = None
    if trust is not None:
        from axis.infra import keystore

        source = verify.by_certificate(keystore.load_certificate(trust))
    else:
        from axis.home import reading_registry

        opened = open_home(home)
        with reading_registry(opened) as registry:
            source = registry
    bad, alone = 0, 0
    authority = tsa.read_bytes() if tsa is not None else b""
    for file in files:
        data = file.read_bytes()
        if verify.is_evidence(data):
            by = anchors(opened, None if opened is not None else source, log, authority)
            bad += not _evidence(file, data, by, strict=strict, as_json=as_json)
            continue
        alone += 1
        verdict = verify.verify(data, source, moment or now(), "en" if as_json else console.LANG)
        if strict and verdict["verdict"] == "PASSED" and verify.is_of_hub(data):
            beside = sorted(file.parent.glob(f"{glob.escape(file.stem)}*.tlog-proof"))
            counts = policy_of(source) if isinstance(source, Registry) else None
            own = log or (known_log(opened) if opened is not None else None)
            if missing := verify.proved(data, [one.read_bytes() for one in beside], own, counts):
                verdict |= {"verdict": "FAILED", "reasons": verify.reasons_of(missing)}
        bad += verdict["verdict"] != "PASSED"
        if as_json:
            console.data({"file": str(file), **verdict, "revocation_checked": trust is None})
        elif verdict["verdict"] == "PASSED":
            console.say(
                word(
                    "verify.good",
                    file=file,
                    kind=word(f"parcel.{verdict['kind']}"),
                    signer=verdict["signer"],
                    time=console.local(verdict["signing_time"]),
                )
            )
            for line in verdict["says"]:
                console.say(f"  {console.plain(line)}")
        else:
            shown = "; ".join(
                f"{p['code']} {p['text_vi' if console.LANG == 'vi' else 'text_en']}" for p in verdict["reasons"]
            )
            console.say(word("verify.bad", file=file, reason=console.plain(shown)))
    if trust is not None and alone and not as_json:
        console.note("verify.unrevoked")
    sys.exit(REFUSED if bad else DONE)


def _evidence(file: Path, data: bytes, by: Anchors, *, strict: bool, as_json: bool) -> bool:
    """A bundle, step by step; whether nothing is wrong with it."""
    from axis.commands.evidence import show
    from axis.services.questions import evidence

    found = evidence.judge(data, by, strict=strict)
    if as_json:
        verdict = "PASSED" if found.is_good else "FAILED"
        console.data({"file": str(file), "verdict": verdict, "steps": [evidence.as_facts(one) for one in found.steps]})
        return found.is_good
    maker = next((one.facts for one in found.steps if one.name == "maker"), {})
    if found.is_good:
        console.say(word("evidence.good", file=file, signer=maker["maker"], time=console.local(maker["time"])))
    else:
        console.say(word("evidence.bad", file=file, count=sum(one.verdict == "FAILED" for one in found.steps)))
    show(found)
    return found.is_good

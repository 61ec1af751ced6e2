"""The other side of an opinion ballot in a sandbox: secretariat, trustee and the other members are played, so that one
meeting system is tried alone. What they do are the steps of :mod:`axis.services.ballots`, and ordinary packets."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from axis import bootstrap
from axis.core.ballot import packet, values
from axis.core.ballot.vote import Answer
from axis.core.instant import to_text
from axis.errors import Rejected
from axis.services.ballots import Office
from axis.services.operate import people
from axis.trials.sandbox import Act

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from axis.core.ballot.tally import Result
    from axis.home import Home
    from axis.infra.journal.journals import Journal
    from axis.services.ballots import Step

MEMBER = "thanh-vien"
CHECK = "its member voted on the ballot in time"
_EACH = timedelta(seconds=1)  # they look whether something has come


def roles(to: str) -> tuple[str, str, str]:
    """Secretariat, trustee, and the agency of another member, beside the agency under test."""
    secretariat, trustee, other = (
        [one for one in listed if one != to] for listed in (("G22", "G12"), ("G15", "G16"), ("H29", "H26"))
    )
    return secretariat[0], trustee[0], other[0]


def prepare(home: Home, to: str, now: datetime) -> str:
    """The persons and seals that a ballot needs, where they are missing; the member of the agency under test, whose key
    lies in ``keys/persons`` of the home."""
    secretariat, trustee, other = roles(to)
    with bootstrap.registrar(home) as registrar:
        for code in (secretariat, to, other):
            if f"{MEMBER}@{code}" not in registrar.registry().persons():
                people.add(registrar, f"{MEMBER}@{code}", "Thành viên Chính phủ", "p256", now)
        for code in (secretariat, trustee):
            if not any(one.use == "encrypt" for one in registrar.registry().by_code[code].certificates):
                people.seal(registrar, code, now)
    return f"{MEMBER}@{to}"


ASKED = "sandbox.ballot.asked"


class BallotPeers:
    """See the module. The ballot is asked when everybody has the registry with its persons, and ends after `term`, at
    `due`; `journals`: of the agencies, by their codes."""

    def __init__(self, home: Home, journals: Mapping[str, Journal], to: str, start: datetime, term: timedelta) -> None:
        self._home, self._journals, self._hub = home, journals, bootstrap.hub_certificate(home)
        self._to, self._start, self._term = to, start, term
        self.due = start + term
        self._now = self._next = start
        self._course = self._play()
        self.result: Result | None = None  # once it is published

    def act(self, now: datetime) -> Iterator[Act]:
        """Do what is due now; each act, after its packet lies in its outbox."""
        if now < self._next:
            return
        self._now, self._next = now, now + _EACH
        if (act := next(self._course, None)) is not None:
            outbox = self._home.path / "agencies" / act.code / "outbox"
            (outbox / f".{act.name}").write_bytes(act.content)
            (outbox / f".{act.name}").rename(outbox / act.name)
            yield act

    def judged(self) -> tuple[str, str]:
        """(a sentence, why it does not hold or "") about the meeting system under test."""
        if self.result is None:
            return CHECK, "the ballot was not counted yet"
        found = [one for one in self.result.votes if one.member == f"{MEMBER}@{self._to}"]
        if any(one.verdict == "counted" for one in found):
            return CHECK, ""
        return CHECK, ", ".join(f"{one.verdict} {one.reason}".strip() for one in found) or "no vote came"

    def _play(self) -> Iterator[Act | None]:
        """One act after the other; None: nothing is due yet."""
        secretariat, trustee, other = roles(self._to)
        while not all(self._knows(code) for code in (secretariat, trustee, other)):
            yield None  # the registry with these persons has not come to everybody yet
        self._start, self.due = self._now, self._now + self._term
        paper = ("du-thao.pdf", b"%PDF-1.4\nDu thao\n%%EOF\n")
        ballot, step = self._office(secretariat).ask(values.written(self._question()), [paper], self._now)
        yield _act(secretariat, step, ASKED)
        while not self._office(other).ballots(ballot.digest):
            yield None
        for code in (secretariat, other):
            _, step = self._office(code).vote(ballot, f"{MEMBER}@{code}", [Answer(1, "agree", "")], self._now)
            yield _act(code, step, "sandbox.ballot.voted")
        while self._now < self._start + self._term / 2:
            yield None
        for step in self._office(secretariat).remind(ballot, self._now):
            yield _act(secretariat, step, "sandbox.ballot.reminded")
        while self._now <= ballot.due_at:
            yield None
        yield _act(secretariat, self._office(secretariat).close(ballot, self._now), "sandbox.ballot.closed")
        while not self._office(trustee).read(packet.CLOSING, ballot.digest):
            yield None
        yield _act(trustee, self._office(trustee).unseal(ballot, self._now), "sandbox.ballot.opened")
        while not self._office(secretariat).read(packet.OPENING, ballot.digest):
            yield None
        self.result, step = self._office(secretariat).result(ballot, self._now)
        yield _act(secretariat, step, "sandbox.ballot.counted")

    def _knows(self, code: str) -> bool:
        """Whether this agency has the persons and seals of the ballot in its registry."""
        secretariat, trustee, other = roles(self._to)
        try:
            registry = self._office(code).registry
            for sealing in (secretariat, trustee):
                registry.sealed_to(sealing, self._now)
        except Rejected:
            return False
        return all(f"{MEMBER}@{one}" in registry.persons() for one in (secretariat, self._to, other))

    def _office(self, code: str) -> Office:
        return Office(self._home.path, code, self._journals[code], self._hub)

    def _question(self) -> dict[str, Any]:
        secretariat, trustee, other = roles(self._to)
        options = [
            {"code": "agree", "vi": "Đồng ý", "en": "Agree"},
            {"code": "disagree", "vi": "Không đồng ý", "en": "Disagree", "needs_comment": True},
        ]
        members = [
            {"id": f"{MEMBER}@{code}", "name": f"Thành viên {code}", "office": "Bộ trưởng"}
            for code in (secretariat, self._to, other)
        ]
        return {
            "id": f"SB-{self._start:%Y%m%d-%H%M%S}",
            "kind": "written",
            "subject": "Phiếu thử nghiệm",
            "questions": [{"no": 1, "text": "Thông qua dự thảo?", "options": options}],
            "rule": "majority_all",
            "tie": "chair",
            "silence": "not_counted",
            "chair": f"{MEMBER}@{secretariat}",
            "due_at": to_text(self.due),
            "members": members,
            "trustee": trustee,
            "results_to": [],
        }


def _act(code: str, step: Step, text: str) -> Act:
    return Act(code, f"{text.rpartition('.')[2]}-{step.name}", step.packet, text)

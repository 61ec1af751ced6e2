"""The story of a ballot: 25 members of the Government, of whom four are away at first, one is late, one votes twice,
one lets another vote for him, and for one somebody else tries to. Each agency's meeting system calls /ecabinet/v1, each
member votes on a device of his own; all through the line, under a clock of its own."""

from __future__ import annotations

import json
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from axis import bootstrap, config, fronts
from axis.adapters import tokens
from axis.adapters.client import Refused
from axis.core.ballot import cms, recount, values
from axis.core.ballot.ballot import RESULT
from axis.core.ballot.recount import Arrived
from axis.core.ballot.vote import SEALED, Answer, Vote
from axis.core.instant import to_text, whole
from axis.errors import AxisError, Fault, Problem, Rejected, Unavailable
from axis.infra import keystore
from axis.services import run as loops
from axis.services.ballots import Office, keep
from axis.services.operate import people, provision
from axis.services.operate.people import SEALS
from axis.trials.demo_scenes import Scene
from axis.trials.meeting_system import Device, MeetingSystem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from axis.home import Home
    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub

SECRETARIAT, TRUSTEE, AUDITOR = "G22", "G15", "G16"
MINISTRIES = (*(f"G{n:02}" for n in range(1, 15)), "G19", "G20", "G21")
CHAIR = "ttg@G22"
DEPUTIES = tuple(f"ptt-{n}@G22" for n in range(1, 8))
MINISTERS = tuple(f"bt@{code}" for code in MINISTRIES)
MEMBERS = (CHAIR, *DEPUTIES, *MINISTERS)  # 25 since February 2025
REMOTE = ("bt@G02", "bt@G05", "bt@G08", "bt@G11")
LATE, TWICE, FORGED, DELEGATING, SILENT = "bt@G04", "bt@G06", "bt@G07", "bt@G09", "bt@G10"
FORGER, DELEGATE = "bt@G12", "tt@G09"
ID = "PLYK-2026-012"
FOLDER = "ecabinet"  # in the home: the parcels that anybody counts again


@dataclass
class Clock:
    """The story's time: it begins some days ago, and passes when it is told to."""

    now: datetime

    def __call__(self) -> datetime:
        """Now; a little later each time."""
        self.now += timedelta(milliseconds=1)
        return self.now


class Line:
    """Hub, adapters and meeting systems of one home, and who of them is there."""

    def __init__(
        self, home: Home, hub: Hub, agencies: list[Agency], clock: Clock, systems: Mapping[str, MeetingSystem]
    ) -> None:
        self.home, self.clock, self.systems = home, clock, systems
        self._hub, self._agencies = hub, agencies
        self._journals = {one.code: one.journal for one in agencies}
        self._certificate = bootstrap.hub_certificate(home)

    def run(self, away: Iterable[str] = ()) -> None:
        """Until nothing is due but at those who are away, and every meeting system that is there has its mail."""
        there = [one for one in self._agencies if one.code not in set(away)]
        taken = 1
        while taken:
            loops.rounds(self._hub, there, stopped=lambda: False, until_idle=True, clock=self.clock)
            taken = sum(self.systems[one.code].fetch() for one in there)

    def office(self, code: str) -> Office:
        """An agency's part in ballots."""
        return Office(self.home.path, code, self._journals[code], self._certificate)

    def system_of(self, person: str) -> MeetingSystem:
        """The meeting system of a member's agency."""
        return self.systems[values.agency_of(person)]


def perform(home_path: Path, tell: Callable[[Scene], None]) -> dict[str, Any]:
    """Play it in a new home at `home_path`; what came of it. Raises the axis' errors."""
    clock = Clock(datetime.now(UTC) - timedelta(days=6))
    codes = {SECRETARIAT, TRUSTEE, AUDITOR, *MINISTRIES}
    rows = [row for row in provision.catalogue() if row["code"] in codes]
    settings = config.Config(
        config.Installation(str(uuid.uuid4())),
        adapter=config.Adapter("spool", settle_seconds=0.0),
        server=config.Server("127.0.0.1:0"),
        ecabinet=config.Ecabinet(tuple(sorted(codes))),
        log=config.Log(level="error"),
    )
    provision.create_home(home_path, settings, "p256", clock(), rows=rows)
    home = bootstrap.open_home(home_path)
    with bootstrap.registrar(home) as registrar:
        for person in (*MEMBERS, DELEGATE):
            people.add(registrar, person, person.partition("@")[0], "p256", clock())
        for code in (SECRETARIAT, TRUSTEE):
            people.seal(registrar, code, clock())
    given = {code: tokens.create_token(bootstrap.tokens_file(home), code) for code in sorted(codes)}
    with ExitStack() as stack:
        hub, agencies = stack.enter_context(bootstrap.embedded_parts(home))
        port = stack.enter_context(fronts.front(home, agencies, clock=clock))
        systems = {code: MeetingSystem(f"http://127.0.0.1:{port}", token) for code, token in given.items()}
        for person in (*MEMBERS, DELEGATE):
            key = keystore.load_signer(home_path / "keys" / people.PERSONS, person)
            systems[values.agency_of(person)].devices[person] = Device(key)
        for one in systems.values():
            stack.callback(one.client.close)
        line = Line(home, hub, agencies, clock, systems)
        line.run()
        return _Story(line, tell).play()


class _Story:
    def __init__(self, line: Line, tell: Callable[[Scene], None]) -> None:
        self._line, self._tell = line, tell
        self._votes: dict[str, str] = {}  # digests by what is known of each vote

    def play(self) -> dict[str, Any]:
        """Scene after scene."""
        digest = self._ask()
        self._vote(digest)
        self._peek(digest)
        self._remind(digest)
        self._close(digest)
        return self._count(digest)

    def _ask(self) -> str:
        line, due = self._line, self._line.clock.now + timedelta(days=4)
        paper = ("du-thao-nghi-dinh.pdf", b"%PDF-1.4\nDu thao Nghi dinh ve dinh danh va xac thuc dien tu\n%%EOF\n")
        digest = line.systems[SECRETARIAT].do("ballots", {"ballot": _question(due)}, papers=[paper])["ballot"]
        away = [values.agency_of(one) for one in REMOTE]
        for person in REMOTE:
            line.system_of(person).devices[person].on_line = False
        line.run(away)
        asked = line.office(SECRETARIAT).find(digest).ballot
        have = [code for code in asked.agencies if line.office(code).ballots()]
        facts = {"id": asked.id, "digest": asked.digest[:12], "members": len(asked.seats), "due_at": to_text(due)}
        self._tell(Scene("asked", {**facts, "agencies": len(asked.agencies), "have": len(have), "away": len(away)}))
        return asked.digest[:12]

    def _cast(self, digest: str, by: str, option: str = "agree", *, act: bytes = b"", comment: str = "") -> None:
        system = self._line.system_of(by)
        self._votes[f"{by} {option}"] = system.vote(digest, by, option, self._line.clock(), comment=comment, act=act)

    def _vote(self, digest: str) -> None:
        line = self._line
        quiet = {LATE, FORGED, DELEGATING, SILENT, *REMOTE}
        for number, person in enumerate(one for one in MEMBERS if one not in quiet):
            comment = "Đề nghị làm rõ trách nhiệm của các bộ" if number % 5 == 4 else ""
            self._cast(digest, person, "comment" if comment else "agree", comment=comment)
        away = [values.agency_of(one) for one in REMOTE]
        line.run(away)
        there = line.office(SECRETARIAT).status(line.office(SECRETARIAT).find(digest), line.clock())["votes"]
        line.clock.now += timedelta(days=1)
        line.run()  # those who were away are on line again, and get what has waited
        for person in REMOTE:
            line.system_of(person).devices[person].on_line = True
            self._cast(digest, person)
        self._cast(digest, TWICE, "disagree", comment="Đổi ý kiến")
        act = line.system_of(DELEGATING).delegate(digest, DELEGATING, DELEGATE, line.clock())
        self._cast(digest, DELEGATE, act=act)
        self._forge(digest)
        line.run()
        after = line.office(SECRETARIAT).status(line.office(SECRETARIAT).find(digest), line.clock())["votes"]
        self._tell(Scene("voted", {"there": there, "after": after, "remote": len(REMOTE)}))

    def _forge(self, digest: str) -> None:
        """Somebody signs with his own key what another member is to have said. As a vote it is not taken: it goes as
        any packet may."""
        system = self._line.system_of(FORGER)
        office = self._line.office(values.agency_of(FORGER))
        ballot = office.find(digest).ballot
        said = Vote(ballot.digest, FORGED, (Answer(1, "disagree", "-"),), whole(self._line.clock()), "0" * 32)
        self._votes["forged"], step = office.seal(ballot, said, system.devices[FORGER].key)
        system.client.submit(step.packet)

    def _peek(self, digest: str) -> None:
        """Secretariat and trustee try to read before the end, each with all that it has."""
        line = self._line
        office = line.office(SECRETARIAT)
        ballot = office.find(digest).ballot
        sealed = [recount.open_arrived(arrived, office.registry).files[SEALED] for arrived, _ in office.votes(ballot)]
        seals = line.home.path / "keys" / SEALS
        keys = {
            code: keystore.load_signer(seals, f"{code}.{seal[:16]}")
            for code, seal in ((SECRETARIAT, ballot.secretariat_seal), (TRUSTEE, ballot.trustee_seal))
        }
        by_secretariat = sum(_opens(one, keys[SECRETARIAT]) for one in sealed)
        inner = [cms.unseal(one, keys[TRUSTEE]) for one in sealed]
        by_trustee = sum(_opens(one, keys[TRUSTEE]) or _is_vote(one) for one in inner)
        refused = _refused(line.systems[SECRETARIAT], f"ballots/{digest}/closing")
        facts = {"sealed": len(sealed), "by_secretariat": by_secretariat, "by_trustee": by_trustee, "refused": refused}
        self._tell(Scene("sealed", facts))

    def _remind(self, digest: str) -> None:
        line = self._line
        office = line.office(SECRETARIAT)
        ballot = office.find(digest).ballot
        line.clock.now = ballot.due_at - timedelta(hours=4)
        missing = office.status(office.find(digest), line.clock())["missing"]
        line.systems[SECRETARIAT].do(f"ballots/{digest}/reminders")
        line.run()
        reminded = [code for code in MINISTRIES if line.office(code).reminders(ballot)]
        line.clock.now = ballot.due_at + timedelta(minutes=5)
        self._cast(digest, LATE)
        line.run()
        self._tell(Scene("reminded", {"missing": missing, "reminded": reminded}))

    def _close(self, digest: str) -> None:
        line = self._line
        secretariat, trustee = line.systems[SECRETARIAT], line.systems[TRUSTEE]
        refused = _refused(trustee, f"ballots/{digest}/opening")
        secretariat.do(f"ballots/{digest}/closing")
        line.run()
        line.clock.now += timedelta(hours=30)
        secretariat.do(f"ballots/{digest}/reminders")
        line.run()
        staff = [one["whom"] for one in trustee.ask(f"ballots/{digest}/reminders")["items"]]
        trustee.do(f"ballots/{digest}/opening")
        line.run()
        self._tell(Scene("closed", {"refused": refused, "staff": staff.count("staff"), "trustee": TRUSTEE}))

    def _count(self, digest: str) -> dict[str, Any]:
        line = self._line
        office = line.office(SECRETARIAT)
        ballot = office.find(digest).ballot
        line.systems[SECRETARIAT].do(f"ballots/{digest}/result")
        line.run()
        result, _, _ = office.verify(office.find(digest))
        agreeing = []
        for code in ballot.agencies:
            one = line.office(code)
            counted, found, parcels = one.verify(one.find(digest))
            if not found and counted.decided == result.decided:
                agreeing.append(code)
            if code == values.agency_of(TWICE):
                keep(line.home.path / FOLDER, one.registry_parcel, parcels)
                altered = _altered(parcels, one)
        verdicts: dict[str, int] = {}
        for vote in result.votes:
            verdicts[vote.verdict] = verdicts.get(vote.verdict, 0) + 1
        decided = result.decided[0]
        summary = {
            "members": len(ballot.seats),
            "votes": len(result.votes),
            **{name: verdicts.get(name, 0) for name in ("counted", "late", "second", "invalid", "forged")},
            "delegated": sum(1 for one in result.votes if one.verdict == "counted" and one.delegate),
            "missing": len(result.missing),
            "decided": decided.option,
            "by": decided.by,
            "agencies": len(ballot.agencies),
            "agreeing": len(agreeing),
            "altered_refused": altered,
        }
        self._tell(Scene("counted", {**summary, "counts": dict(decided.counts)}))
        if len(agreeing) != len(ballot.agencies) or altered != ALTERED:
            raise Unavailable(Problem(Fault.INTERNAL, got="the story of the ballot did not come to its end"))
        return summary


ALTERED = 4


def _altered(parcels: list[tuple[str, Arrived]], office: Office) -> int:
    """How many of four results are refused that a secretariat could sign that is not honest: a vote dropped, added,
    changed, counted twice."""
    opened = {name: recount.open_arrived(one, office.registry) for name, one in parcels}
    asked, published = opened["ballot"], opened["result"]
    honest = json.loads(published.files[RESULT])
    refused = 0
    for change in (_drop, _add, _change, _twice):
        said = json.loads(json.dumps(honest))
        change(said["votes"])
        files = [(name, values.written(said) if name == RESULT else data) for name, data in published.files.items()]
        try:
            _, found = recount.compared(asked, replace(published, files=dict(files)), office.registry)
        except AxisError:
            refused += 1
        else:
            refused += bool(found)
    return refused


def _drop(votes: list[dict[str, Any]]) -> None:
    votes.pop(0)


def _add(votes: list[dict[str, Any]]) -> None:
    votes.append({**votes[0], "parcel": "0" * 64, "vote": "0" * 64})


def _change(votes: list[dict[str, Any]]) -> None:
    votes[0]["verdict"] = "invalid"


def _twice(votes: list[dict[str, Any]]) -> None:
    votes.append(votes[0])


def _question(due: datetime) -> dict[str, Any]:
    offices = {CHAIR: "Thủ tướng Chính phủ"} | dict.fromkeys(DEPUTIES, "Phó Thủ tướng Chính phủ")
    options = [
        {"code": "agree", "vi": "Đồng ý", "en": "Agree"},
        {"code": "comment", "vi": "Đồng ý, có ý kiến", "en": "Agree with comments", "needs_comment": True},
        {"code": "disagree", "vi": "Không đồng ý", "en": "Disagree", "needs_comment": True},
    ]
    return {
        "id": ID,
        "kind": "written",
        "subject": "Dự thảo Nghị định về định danh và xác thực điện tử",
        "questions": [{"no": 1, "text": "Thông qua dự thảo Nghị định?", "options": options}],
        "rule": "majority_all",
        "tie": "chair",
        "silence": "not_counted",
        "chair": CHAIR,
        "due_at": to_text(due),
        "members": [
            {"id": one, "name": one.partition("@")[0], "office": offices.get(one, "Bộ trưởng")} for one in MEMBERS
        ],
        "trustee": TRUSTEE,
        "results_to": [AUDITOR],
    }


def _refused(system: MeetingSystem, path: str) -> str:
    """The code with which it is refused; "" where it is not."""
    try:
        system.do(path)
    except Refused as error:
        return str(error.problem["title"])
    return ""


def _opens(sealed: bytes, key: Any) -> bool:
    try:
        cms.unseal(sealed, key)
    except Rejected:
        return False
    return True


def _is_vote(data: bytes) -> bool:
    try:
        cms.open_signed(data)
    except Rejected:
        return False
    return True

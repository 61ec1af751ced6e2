"""Meeting systems on a real server and a real line: meetings, papers and conclusions, a ballot whose members vote on
devices of their own; who may call, and what is refused."""

from __future__ import annotations

import base64
import json
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import jsonschema_rs
import pytest

from axis import bootstrap, config, counting, fronts
from axis.adapters import tokens
from axis.adapters.client import Refused
from axis.adapters.ecabinet import server
from axis.core.instant import to_text
from axis.errors import Misconfigured
from axis.infra import keystore
from axis.services.operate import people
from axis.trials.meeting_system import Device, MeetingSystem, OffLineError
from tests.line import rest, small_home

if TYPE_CHECKING:
    from collections.abc import Iterator

    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub
    from tests.line import Line

SECRETARIAT, TRUSTEE = "G22", "G15"
CODES, APART = (SECRETARIAT, TRUSTEE, "G06", "H41"), "H29"  # who is named in the settings, and who is not
CHAIR, MINISTER, DEPUTY, PRESIDENT = "ttg@G22", "bt@G06", "tt@G06", "ct@H41"
DESCRIPTION = Path(__file__).parent.parent.parent / "schemas" / "http" / "ecabinet.json"
pytestmark = pytest.mark.timeout(300)


@dataclass
class Served:
    line: Line
    hub: Hub
    agencies: list[Agency]
    url: str
    systems: dict[str, MeetingSystem]
    apart: str  # the token of an agency that is not named

    def rest(self) -> None:
        rest(self.hub, self.agencies, self.line.clock, timedelta(0))
        for one in self.systems.values():
            one.fetch()
        rest(self.hub, self.agencies, self.line.clock, timedelta(0))

    def ask(self, path: str, code: str = SECRETARIAT) -> Any:
        """GET; what is answered is what the description says."""
        described, shown = json.loads(DESCRIPTION.read_text("utf-8")), self.systems[code].ask(path)
        parts = f"{server.PREFIX}/{path}".split("/")
        ((template, ways),) = [
            (one, ways)
            for one, ways in described["paths"].items()
            if len(one.split("/")) == len(parts) and "get" in ways
            and all(a == b or a.startswith("{") for a, b in zip(one.split("/"), parts, strict=True))
        ]  # fmt: skip
        schema = ways["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema_rs.validate({**schema, "components": described["components"]}, shown)
        assert template
        return shown


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    place = tmp_path_factory.mktemp("meeting")
    line = small_home(place / "home", (*CODES, APART))
    line.configure(
        adapter=config.Adapter("spool", settle_seconds=0.0),
        server=config.Server("127.0.0.1:0"),
        ecabinet=config.Ecabinet(CODES),
    )
    home = bootstrap.open_home(line.path)
    given = {code: tokens.create_token(bootstrap.tokens_file(home), code) for code in (*CODES, APART)}
    with bootstrap.registrar(home) as registrar:
        for person in (CHAIR, MINISTER, DEPUTY, PRESIDENT):
            people.add(registrar, person, person, "p256", line.clock())
        for code in (SECRETARIAT, TRUSTEE):
            people.seal(registrar, code, line.clock())
    # Each member has his own key, and nobody else has it.
    shutil.move(line.path / "keys" / people.PERSONS, place / "devices")
    with ExitStack() as stack:
        hub, agencies = stack.enter_context(bootstrap.embedded_parts(home))
        port = stack.enter_context(fronts.front(home, agencies, clock=line.clock))
        systems = {code: MeetingSystem(f"http://127.0.0.1:{port}", given[code]) for code in CODES}
        for one in systems.values():
            stack.callback(one.client.close)
        for person in (CHAIR, MINISTER, DEPUTY, PRESIDENT):
            key = keystore.load_signer(place / "devices", person)
            systems[person.partition("@")[2]].devices[person] = Device(key)
        opened = Served(line, hub, agencies, f"http://127.0.0.1:{port}", systems, given[APART])
        opened.rest()
        yield opened


def refused(system: MeetingSystem, path: str, value: Any = None, **files: Any) -> tuple[int, str]:
    with pytest.raises(Refused) as error:
        system.do(path, value, **files)
    return error.value.problem["status"], error.value.problem["title"]


MEETING = {
    "id": "PH-2026-11", "title": "Phiên họp Chính phủ thường kỳ", "place": "Trụ sở Chính phủ", "chair": CHAIR,
    "starts_at": "2026-11-30T01:00:00.000Z", "ends_at": "2026-11-30T10:00:00.000Z",
    "agenda": [{"no": 1, "title": "Kinh tế - xã hội", "lead_agency": "G06", "papers": []}],
    "participants": [{"id": one, "name": one, "role": "member"} for one in (CHAIR, MINISTER, PRESIDENT)],
}  # fmt: skip
PAPER = {"meeting": "PH-2026-11", "item": 1, "kind": "draft", "title": "Dự thảo Báo cáo", "version": 1}
CONCLUSION = {
    "meeting": "PH-2026-11", "number": "345/TB-VPCP", "title": "Kết luận", "signed_at": "2026-12-01T03:00:00.000Z",
    "items": [{"no": 1, "conclusion": "Thông qua", "lead_agency": "G06"}],
}  # fmt: skip
PDF = b"%PDF-1.4 du thao"


def test_a_meeting_its_papers_and_its_conclusions_come_to_all_who_take_part(served: Served) -> None:
    secretariat, ministry = served.systems[SECRETARIAT], served.systems["G06"]
    assert refused(ministry, "papers", {"paper": PAPER}, files=[("a.pdf", PDF)]) == (404, "BALLOT_UNKNOWN")
    assert refused(ministry, "meetings", {"meeting": MEETING}) == (422, "TYPE_PARTY")
    assert refused(secretariat, "meetings", {"meeting": {**MEETING, "note": "x"}}) == (422, "TYPE_CONTENT")
    (sent,) = secretariat.do("meetings", {"meeting": MEETING})["sent"]
    served.rest()
    assert secretariat.client.document(sent["id"])["state"] == "accepted"
    for code, expected in (("G06", 1), ("H41", 1), (SECRETARIAT, 1), (TRUSTEE, 0)):
        assert len(served.ask("meetings", code)["items"]) == expected
    assert refused(ministry, "papers", {"paper": PAPER}) == (422, "TYPE_ATTACHMENT"), "a paper without a file"
    ministry.do("papers", {"paper": PAPER}, files=[("du-thao.pdf", PDF)])
    secretariat.do("conclusions", {"conclusion": CONCLUSION}, files=[("tb.pdf", PDF)])
    served.rest()
    (paper,) = served.ask("papers", "H41")["items"]
    assert (paper["from"], paper["files"], paper["content"]["title"]) == ("G06", ["du-thao.pdf"], "Dự thảo Báo cáo")
    name = f"{server.PREFIX}/papers/{paper['parcel']}/files/du-thao.pdf"
    headers = {"Authorization": f"Bearer {served.systems['H41'].token}"}
    assert httpx.get(served.url + name, headers=headers).content == PDF
    assert httpx.get(served.url + name + "x", headers=headers).status_code == 404
    (conclusion,) = served.ask("conclusions", "G06")["items"]
    assert conclusion["content"]["number"] == "345/TB-VPCP"
    outcomes = secretariat.client.document(sent["id"])["outcomes"]
    assert {one["agency"]: one["event"] for one in outcomes} == {"G06": "E.1", "H41": "E.1"}, "it was fetched"


def question(served: Served) -> dict[str, Any]:
    options = [{"code": code, "vi": code, "en": code} for code in ("agree", "no")]
    return {
        "id": "PLYK-2026-077", "kind": "written", "subject": "Dự thảo Nghị quyết", "trustee": TRUSTEE,
        "questions": [{"no": 1, "text": "Thông qua?", "options": options}], "chair": CHAIR,
        "rule": "majority_all", "tie": "chair", "silence": "not_counted",
        "due_at": to_text(served.line.clock.now.replace(microsecond=0) + timedelta(days=2)),
        "members": [{"id": one, "name": one, "office": "Bộ trưởng"} for one in (CHAIR, MINISTER, PRESIDENT)],
    }  # fmt: skip


def test_a_ballot_is_asked_voted_on_closed_and_counted_and_no_members_key_is_anywhere_near(served: Served) -> None:
    secretariat, ministry, province = (served.systems[code] for code in (SECRETARIAT, "G06", "H41"))
    assert refused(ministry, "ballots", {"ballot": question(served)}) == (422, "SEAL_MISSING")
    asked = secretariat.do("ballots", {"ballot": question(served)}, papers=[("to-trinh.pdf", PDF)])["ballot"]
    ballot = f"ballots/{asked[:12]}"
    served.rest()
    assert served.ask(ballot, "H41")["files"] == ["to-trinh.pdf"]
    clock = served.line.clock
    secretariat.vote(asked, CHAIR, "agree", clock())
    act = ministry.delegate(asked, MINISTER, DEPUTY, clock())
    ministry.vote(asked, DEPUTY, "no", clock(), act=act)
    _, theirs = ministry.sealed(asked, MINISTER, "no", clock())
    said = {"member": PRESIDENT, "vote": "0" * 64, "sealed": base64.b64encode(theirs.signed).decode()}
    assert refused(ministry, f"{ballot}/votes", said) == (422, "AUTHZ_MISMATCH"), "for a member of somebody else"
    assert refused(ministry, f"{ballot}/votes", {**said, "member": "xx@G06"}) == (422, "PERSON_UNKNOWN")
    province.devices[PRESIDENT].on_line = False
    with pytest.raises(OffLineError):
        province.vote(asked, PRESIDENT, "agree", clock())
    served.rest()
    assert {one["member"] for one in served.ask(f"{ballot}/votes")["items"]} == {CHAIR, MINISTER}
    assert served.ask(ballot)["status"]["missing"] == [PRESIDENT]
    secretariat.do(f"{ballot}/reminders")
    served.rest()
    assert [one["missing"] for one in served.ask(f"{ballot}/reminders", "H41")["items"]] == [[PRESIDENT]]
    province.devices[PRESIDENT].on_line = True
    voted = province.vote(asked, PRESIDENT, "agree", clock())
    served.rest()
    assert refused(secretariat, f"{ballot}/closing") == (422, "BALLOT_OPEN")
    assert refused(served.systems[TRUSTEE], f"{ballot}/opening") == (404, "BALLOT_UNKNOWN")
    assert refused(secretariat, f"{ballot}/result") == (404, "BALLOT_UNKNOWN")
    _close_too_early(served, ballot)
    clock.now += timedelta(days=2, minutes=1)
    assert refused(ministry, f"{ballot}/closing") == (422, "AUTHZ_MISMATCH")
    for system, step in ((secretariat, "closing"), (served.systems[TRUSTEE], "opening"), (secretariat, "result")):
        system.do(f"{ballot}/{step}")
        served.rest()
    for code in CODES:
        found = served.ask(f"{ballot}/result", code)
        assert (found["verdict"], found["differences"]) == ("PASSED", []), code
    _listed_at_the_cost_of_reading(served)
    (decided,) = found["result"]["questions"]
    assert (decided["counts"], decided["decided"]) == ({"agree": 2, "no": 1}, "agree")
    assert voted in {one["vote"] for one in found["result"]["votes"] if one["verdict"] == "counted"}
    assert not list(served.line.path.rglob(f"*{MINISTER}*")), "no member's key is in the home"


def _listed_at_the_cost_of_reading(served: Served) -> None:
    """What was verified once is not again, and nobody gets more ballots than a page of them."""
    first = served.ask("ballots")["items"]
    before = counting.snapshot()["verifications"]
    assert served.ask("ballots")["items"] == first
    assert counting.snapshot()["verifications"] - before <= 1, "the registry's"
    told = {query: served.systems[SECRETARIAT].ask(f"ballots?{query}")["items"] for query in ("limit=1", "after=1")}
    assert (told["limit=1"], told["after=1"]) == (first[:1], first[1:])
    for query in ("limit=51", "limit=0", "after=-1", "since=1"):
        with pytest.raises(Refused):
            served.systems[SECRETARIAT].ask(f"ballots?{query}")


def _close_too_early(served: Served, ballot: str) -> None:
    """The secretariat's clock is wrong: its closing is void, and spoils nothing."""
    clock = served.line.clock
    clock.now += timedelta(days=2, minutes=1)
    served.systems[SECRETARIAT].do(f"{ballot}/closing")
    clock.now -= timedelta(days=2, minutes=1)
    served.rest()
    assert refused(served.systems[TRUSTEE], f"{ballot}/opening") == (422, "BALLOT_OPEN")
    assert served.ask(ballot)["status"]["stage"] == served.ask(ballot, TRUSTEE)["status"]["stage"] == "open"


def test_nobody_comes_in_without_a_token_of_an_agency_that_is_named(served: Served) -> None:
    path = f"{served.url}{server.PREFIX}/ballots"
    for token in ("x", served.apart):
        assert httpx.get(path, headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert httpx.get(path).status_code == httpx.post(path, content=b"x").status_code == 401
    mine = {"Authorization": f"Bearer {served.systems['H41'].token}"}
    for answer, status in (
        (httpx.get(f"{path}?all=1", headers=mine), 400),
        (httpx.get(f"{path}/none", headers=mine), 404),
        (httpx.post(path, content=b"[" * 100_000, headers=mine), 422),
        (httpx.post(path, content=b'{"ballot": {}, "more": 1}', headers=mine), 422),
        (httpx.delete(path, headers=mine), 405),
        (httpx.get(f"{path}s", headers=mine), 404),
    ):
        assert answer.status_code == status, answer.text
    without = server.application(dict, {}, {})
    assert without.routes
    line = served.line
    with pytest.raises(Misconfigured) as error:
        small_home(line.path.parent / "other", CODES).configure(ecabinet=config.Ecabinet(("H41",)))
        bootstrap.open_home(line.path.parent / "other")
    assert error.value.problems[0].path == "ecabinet.agencies"


def test_the_description_names_every_path_and_is_served(served: Served) -> None:
    description = httpx.get(f"{served.url}{server.PREFIX}/openapi.json").json()
    described = {
        (path, method.upper())
        for path, ways in description["paths"].items()
        for method in ways
        if method != "parameters"
    }
    there = {
        (route.path, method)  # type: ignore[attr-defined]
        for route in server.application(dict, {}, {}).routes
        for method in route.methods - {"HEAD"}  # type: ignore[attr-defined]
    }
    assert described == there

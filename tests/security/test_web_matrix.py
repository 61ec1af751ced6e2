"""Each of 95 agencies opens every page and export of the web desk, and asks for others' documents by the names that they
have: nothing of another's is shown, and what is another's is answered as what never was.

Once at desks on agencies' own journals, once at the hub's record. `make sweep` asks for each agency all documents of the
others; a run of the suite for every sixteenth agency every eighth of them (tests/sample.py).
"""

from __future__ import annotations

import re
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

import pytest

from axis import bootstrap, desks
from axis.home import open_home
from axis.infra import keystore
from axis.services.operate import provision
from axis.services.operate import registry as members
from axis.web.pages import PAGES
from tests import sample
from tests.line import Line, document, small_home
from tests.webdesk import AXIS_ID, HOST, Browser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from axis.web.app import Web

ALL = tuple(row["code"] for row in provision.catalogue())
MARK = re.compile(r"K7[0-9]{3}Q")
AGENCIES, EACH = 16, 8
NUMBER = "7/TN-CHUNG"  # everybody's document has it
BY_NAME = ("/document", "/document.json", "/document.csv", "/board", "/board.json", "/letter", "/attachment")
# What an agency may write into an address to see more: of each page, and of each export.
TRIED: tuple[dict[str, str], ...] = (
    {},
    {"way": "received", "kind": "all", "limit": "200", "date": "2026", "state": "good"},
    {"words": "mật hiệu", "from": "G22", "to": "G22", "by": "unit", "period": "2026"},
    {"way": "sent", "by": "day", "period": "2026", "code": "G22"},
)

pytestmark = pytest.mark.timeout(3000 if sample.FULL else 400)


@dataclass
class Letters:
    """What was sent: of each agency the marks and ids that it may see, and the names of the document that it has sent."""

    line: Line
    marks: dict[str, set[str]]
    ids: dict[str, set[str]]
    names: dict[str, tuple[str, str, str]]  # axis id, DocumentId, digest


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Letters:
    """Each agency has sent a document to the next one, all with one number and words that all have."""
    line = small_home(tmp_path_factory.mktemp("matrix") / "home", codes=ALL)
    marks: dict[str, set[str]] = defaultdict(set)
    for place, code in enumerate(ALL):
        other, mark = ALL[(place + 1) % len(ALL)], f"K7{place:03}Q"
        data = document(7, sender=code, to=(other,), subject=f"mật hiệu {mark}", content=mark.encode())
        notation = f"<CodeNotation>TN-{code}</CodeNotation>".encode()
        line.drop(code, data.replace(notation, b"<CodeNotation>TN-CHUNG</CodeNotation>"))
        marks[code].add(mark)
        marks[other].add(mark)
    line.run()
    ids: dict[str, set[str]] = defaultdict(set)
    names = {}
    for code in ALL:
        found = line.trace(f"{code},2026/11/23,7/TN-{code}")
        about = found["document"]
        names[code] = (about["axis_id"], about["document_id"], about["content_digest"])
        for one in (code, *(row["recipient"] for row in found["deliveries"])):
            ids[one] |= {row["axis_id"] for row in found["submissions"]}
    return Letters(line, marks, ids, names)


@pytest.fixture(scope="module", params=["journals", "record"])
def web(request: pytest.FixtureRequest, letters: Letters) -> Iterator[Web]:
    with ExitStack() as stack:
        opened = stack.enter_context(desks.opened(open_home(letters.line.path)))
        if request.param == "record":
            opened = replace(opened, journals={})
        made = desks.application(opened, {HOST}, "", "vi")
        yield replace(made, clock=lambda: letters.line.clock.now)
        made.counted.close()


def certificate(name: str, letters: Letters) -> bytes:
    now = letters.line.clock.now
    return keystore.new_tls(keystore.new_authority(now), name, now).der


def test_95_agencies_each_at_its_own_desk(web: Web, letters: Letters) -> None:
    agencies = answers = foreign = 0
    for place, code in enumerate(ALL):
        if not sample.is_tried(place, AGENCIES):
            continue
        browser, desk = Browser(web, certificate(code, letters)), web.desk_of(code)
        assert desk.code == code
        agencies += 1
        seen: set[str] = set()
        for path, (_, is_exported, needed) in PAGES.items():
            if needed and needed not in desk.pages:
                assert browser.get(path).status == 404
                continue
            for ending in ("", ".csv", ".json") if is_exported else ("",):
                for fields in TRIED:
                    seen |= nothing_foreign(browser.get(path + ending, **fields).text, code, letters)
                    answers += 1
        assert seen == letters.marks[code], f"{code} sees its own"
        for words in ("mật hiệu", "mật", NUMBER, "7/"):
            nothing_foreign(browser.get("/", q=words).text, code, letters)
            answers += 1
        own = letters.names[code][0]
        assert browser.get("/document", ref=own).status == 200
        kind = place % 3
        nobodys = nobody(letters.names[code])[kind]
        never = {path: browser.get(path, ref=nobodys, n=1) for path in BY_NAME}
        for number, other in enumerate(ALL):
            if letters.marks[other] & letters.marks[code] or not sample.is_tried(number, EACH, place):
                continue
            name = letters.names[other][kind]
            for path in BY_NAME:
                found, none = browser.get(path, ref=name, n=1), never[path]
                answers += 1
                foreign += 1
                assert not MARK.search(found.text)
                assert (found.status, neutral(found.text, name)) == (404, neutral(none.text, nobodys)), (path, name)
    assert agencies >= (len(ALL) if sample.FULL else len(ALL) // AGENCIES)
    assert foreign >= agencies * len(BY_NAME) * (92 if sample.FULL else 9)
    print(f"\n{agencies} agencies, {answers} answers, {foreign} of them about others' documents: 0 foreign rows")


def nothing_foreign(text: str, code: str, letters: Letters) -> set[str]:
    """The marks in an answer; none is another's, and no id."""
    found = set(MARK.findall(text))
    assert found <= letters.marks[code], code
    others = set().union(*letters.ids.values()) - letters.ids[code]
    assert not others & set(AXIS_ID.findall(text)), code
    return found


def nobody(names: tuple[str, str, str]) -> tuple[str, str, str]:
    """Names of the same form that nothing has."""
    axis_id, document_id, digest = names
    return axis_id[:-4] + "0000", document_id.replace(",7/", ",9999/"), digest[::-1]


def neutral(text: str, name: str) -> str:
    """An answer without the name that was asked for."""
    return text.replace(quote_plus(name), "NAME").replace(name, "NAME")


def test_whoever_is_nobody_gets_one_answer_for_whatever_is_asked(web: Web, letters: Letters) -> None:
    axis_id = letters.names["G22"][0]
    strangers = (
        Browser(web),
        Browser(web, cookies={"axis-desk-8610": "x" * 43}),
        Browser(web, certificate("G99", letters)),
    )
    for browser in strangers:
        answers = set()
        for path in (*PAGES, *(f"{path}.csv" for path in PAGES), "/attachment", "/nowhere", "/login"):
            found = browser.get(path, ref=axis_id)
            links = neutral(found.text, axis_id).replace(f'"{path}?', '"/?')
            answers.add((found.status, found.headers["content-type"], links))
        assert len(answers) == 1
        assert answers.pop()[0] == 401


def test_what_is_no_active_agencys_certificate_brings_nobody_in(web: Web, letters: Letters) -> None:
    for name in ("HUB", "hub", "broker", "G99", "g22", "G22 ", "G22\0"):
        assert Browser(web, certificate(name, letters)).get("/").status == 401, name
    browser = Browser(web, certificate("H41", letters))
    assert browser.get("/").status == 200
    with bootstrap.registrar(bootstrap.open_home(letters.line.path)) as registrar:
        members.suspend(registrar, "H41", "lộ khóa", letters.line.clock())
    assert browser.get("/").status == 401, "its keys may be somebody else's now"
    with bootstrap.registrar(bootstrap.open_home(letters.line.path)) as registrar:
        members.resume(registrar, "H41", "", letters.line.clock())
    assert browser.get("/").status == 200

"""The web desk over HTTP: what every answer says, who comes in, what hostile text becomes, and that nothing is changed."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from click.testing import CliRunner

from axis import cli, config, desks, texts
from axis.errors import Misconfigured, Rejected
from axis.home import open_home
from axis.infra import keystore
from axis.services.questions import listing
from axis.services.questions import status as statuses
from axis.web import counted, entry
from axis.web.app import HEADERS
from axis.web.counted import Counted
from axis.web.pages import PAGES
from tests.line import Line
from tests.webdesk import HOST, NAME, Browser, prepared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from axis.web.app import Web

PDF = b"%PDF-1.4 noi dung"
ARRIVED, REFUSED, RECALLED, OWN = "1/TN-G22", "2/TN-G22", "3/TN-G22", "4/TN-H41"
UTC_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Line:
    with pytest.MonkeyPatch.context() as patch:
        return prepared(tmp_path_factory.mktemp("web") / "home", patch)


@pytest.fixture
def opened(line: Line) -> Iterator[desks.Desks]:
    with desks.opened(open_home(line.path)) as found:
        yield found


def web_of(opened: desks.Desks, line: Line, code: str = "") -> Web:
    return replace(desks.application(opened, {HOST}, code, "vi"), clock=lambda: line.clock.now)


@pytest.fixture
def hub(opened: desks.Desks, line: Line) -> Browser:
    return Browser(web_of(opened, line)).login()


@pytest.fixture
def agency(opened: desks.Desks, line: Line) -> Browser:
    return Browser(web_of(opened, line, "H41")).login()


def addresses(browser: Browser) -> Iterator[tuple[str, dict[str, str]]]:
    """Every page that this desk has, with something on it; and pages that say that something is wrong."""
    desk = browser.web.desk_of(browser.web.entry.local)
    refs = (ARRIVED, REFUSED) if not desk.code else (ARRIVED, OWN)
    for path, (_, _, needed) in PAGES.items():
        if needed and needed not in desk.pages:
            continue
        if path in {"/document", "/board"}:
            yield from ((path, {"ref": ref}) for ref in refs)
        elif path == "/letter":
            yield from (
                (path, {"ref": row["axis_id"]}) for row in json.loads(browser.get("/inbox.json").text)["documents"]
            )
        else:
            yield path, {}
    yield from (("/", {"q": word}) for word in ("nghiem", "zzz", "55/TN-G22"))
    yield from (("/registry", {"code": "G18"}), ("/nowhere", {}), ("/documents", {"date": "x"}), ("/login", {}))
    yield from (("/documents", {"state": "trouble", "limit": "20"}), ("/reports", {"by": "day", "period": "2026-11"}))


class Page(HTMLParser):
    """What a page loads, runs and links to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def links(self) -> list[str]:
        return [value for _, name, value in self.attributes if name in {"href", "src", "action"}]


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("code", ["", "H41"])
def test_every_page_works_without_scripts_and_loads_and_runs_nothing(
    opened: desks.Desks, line: Line, code: str, lang: str
) -> None:
    browser = Browser(web_of(opened, line, code)).login()
    seen = 0
    for path, fields in addresses(browser):
        found = browser.get(path, **fields, lang=lang)
        page = Page(found.text)
        assert found.status in {200, 303, 400, 404}, path
        if found.status == 303:
            continue
        seen += 1
        assert not {"script", "style", "iframe", "img", "object", "embed", "base", "meta/refresh"} & set(page.tags)
        assert not [one for one in page.attributes if one[1].startswith("on") or one[1] == "style"]
        assert all(one.startswith("/") and not one.startswith("//") for one in page.links() if one != "#main"), path
        assert ("html", "lang", lang) in page.attributes
        assert page.tags.count("h1") == page.tags.count("main") == 1
        assert not UTC_MOMENT.search(found.text), "moments are those of Viet Nam"
        assert "{{" not in found.text.replace("{{ 7*7 }}", "")
        kept = [one for one in page.links() if one.startswith("/") and one not in {"/style.css", "/login"}]
        forms = [one for one in kept if one in PAGES]
        wanted = [one for one in kept if f"lang={lang}" in one or "lang=" in one]
        assert len(wanted) + len(forms) == len(kept), "the language goes with every link"
    assert seen > 12


def test_every_answer_says_what_a_browser_must_not_do(
    hub: Browser, agency: Browser, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [browser.get(path, **fields) for browser in (hub, agency) for path, fields in addresses(browser)]
    answers += [hub.get("/documents.csv"), hub.get("/documents.json"), hub.get("/style.css"), Browser(hub.web).get("/")]
    answers += [hub.get("/", "DELETE"), hub.get("/", "POST"), Browser(hub.web, host="evil.example").get("/")]
    answers += [hub.ask("/login", b"", "POST", b"token=x"), hub.ask("/login", b"", "POST", b"token=" + b"x" * 9000)]
    (row,) = [r for r in json.loads(agency.get("/inbox.json").text)["documents"] if r["code"] == ARRIVED]
    answers.append(agency.get("/attachment", ref=row["axis_id"], n=1))
    monkeypatch.setattr(listing, "page", lambda *_, **__: 1 / 0)
    answers.append(hub.get("/documents"))
    assert {one.status for one in answers} == {200, 303, 400, 401, 403, 404, 405, 413, 421, 500}
    assert "ZeroDivision" not in answers[-1].text
    for one in answers:
        for name, value in HEADERS.items():
            shown = one.headers[name.lower()]
            assert shown == value or (name == "Content-Security-Policy" and shown == "default-src 'none'; sandbox")
        assert "server" not in one.headers


def test_a_form_that_is_too_large_or_does_not_end_is_answered_before_it_is_there_and_is_no_fault_of_the_desk(
    hub: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    for length in ("10000", "9" * 19):  # nothing is waited for
        assert hub.ask("/login", b"", "POST", b"", {"content-length": length}, is_gone=True).status == 413
    assert hub.ask("/login", b"", "POST", b"token=x", {"content-length": "100"}, is_gone=True).status == 400
    assert not [one for one in caplog.records if one.levelname == "ERROR"]


def test_it_only_reads(hub: Browser, agency: Browser, line: Line) -> None:
    def state() -> dict[str, str]:
        files = [one for one in line.path.rglob("*") if one.is_file() and not one.name.endswith(("-shm", "-wal"))]
        return {str(one): hashlib.sha256(one.read_bytes()).hexdigest() for one in files}

    before = state()
    for browser in (hub, agency):
        for path, fields in addresses(browser):
            browser.get(path, **fields)
            browser.get(path, "HEAD", **fields)
    assert state() == before
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get"):
        assert hub.get("/documents", method).status == 405
    assert hub.get("/documents", "POST", b"x").status == 405
    told = hub.get("/documents", "HEAD")
    assert (told.body, told.headers["content-length"]) == (b"", str(len(hub.get("/documents").body)))


def test_another_name_that_leads_here_is_answered_by_nothing(hub: Browser) -> None:
    for host in (
        "evil.example",
        "evil.example:8610",
        "127.0.0.1",
        "127.0.0.1:8611",
        "localhost:8610",
        "",
        "127.0.0.1:8610.",
    ):
        browser = replace(hub, host=host)
        assert browser.get("/documents").status == 421, host
        assert browser.ask("/login", b"", "POST", b"token=x").status == 421
    twice = {"Host": "evil.example"}  # beside the right one
    assert hub.ask("/documents", headers=twice).status == 421
    assert {"127.0.0.1:80", "127.0.0.1", "localhost", "[::1]:80"} <= desks.hosts_of("127.0.0.1:80", 80, ())
    assert desks.hosts_of("10.1.2.3:443", 443, ["axis.gov.vn"]) == {"10.1.2.3:443", "10.1.2.3", "axis.gov.vn"}
    with pytest.raises(Misconfigured):
        desks.hosts_of("0.0.0.0:8443", 8443, ())


# -- Who comes in ----------------------------------------------------------------------------------------------------


def test_the_printed_address_brings_in_once_and_not_for_long(opened: desks.Desks, line: Line) -> None:
    web = web_of(opened, line)
    word = web.entry.once(line.clock.now)
    first, second = Browser(web), Browser(web)
    assert first.get("/login", "HEAD", once=word).status == 401, "a look ahead uses nothing up"
    came = first.get("/login", once=word)
    assert (came.status, came.headers["location"]) == (303, "/")
    cookie = came.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert word not in cookie
    assert first.get("/documents").status == 200
    assert second.get("/login", once=word).status == 403
    old = web.entry.once(line.clock.now - entry.ONCE)
    assert second.get("/login", once=old).status == 403
    replaced, newest = web.entry.once(line.clock.now), web.entry.once(line.clock.now)
    assert second.get("/login", once=replaced).status == 403
    assert second.get("/login", once=newest).status == 303


def test_the_token_brings_in_from_a_form_of_this_desk_alone(opened: desks.Desks, line: Line) -> None:
    web = web_of(opened, line)
    browser, token = Browser(web), f"token={web.entry.token}".encode()
    for wrong in (b"", b"token=", b"token=x", b"token=" + web.entry.token[:-1].encode(), b"\xff=\xfe", b"&" * 4000):
        assert browser.ask("/login", b"", "POST", wrong).status in {400, 403}
    for origin in ("http://evil.example", "null", "https://127.0.0.1:8610", "http://127.0.0.1:9999"):
        assert browser.ask("/login", b"", "POST", token, {"origin": origin}).status == 403
    assert not browser.cookies
    assert browser.get("/documents", token=web.entry.token).status == 401, "a token in an address stays in histories"
    assert browser.ask("/login", b"", "POST", token, {"origin": f"http://{HOST}"}).status == 303
    assert browser.get("/documents").status == 200
    kept = dict(browser.cookies)
    assert browser.ask("/login", b"", "POST", b"out=1").status == 303
    assert Browser(web, cookies=kept).get("/documents").status == 401
    secure = Browser(web, scheme="https")
    assert "secure" in secure.ask("/login", b"", "POST", token).headers["set-cookie"].lower()
    assert "max-age" in secure.get("/").headers["strict-transport-security"]


def test_a_session_ends_and_there_are_never_many(opened: desks.Desks, line: Line) -> None:
    now = [line.clock.now]
    web = replace(web_of(opened, line), clock=lambda: now[0])
    first = Browser(web).login()
    others = [Browser(web).login() for _ in range(entry.MAX_SESSIONS)]
    assert first.get("/").status == 401, "the oldest has gone"
    assert others[0].get("/").status == others[-1].get("/").status == 200
    now[0] += entry.SESSION
    assert others[-1].get("/").status == 401


def test_a_certificate_decides_whoever_has_a_session(opened: desks.Desks, line: Line) -> None:
    authority = keystore.new_authority(line.clock.now)
    officer = keystore.new_tls(authority, "officer", line.clock.now).der
    home = opened.home._replace(
        config=opened.home.config._replace(web=config.Web(operators=(hashlib.sha256(officer).hexdigest(),))),
    )
    web = web_of(replace(opened, home=home), line)
    session = Browser(web).login().cookies
    assert Browser(web, officer).get("/board", ref=REFUSED).status == 200
    agency = keystore.new_tls(authority, "G06", line.clock.now).der
    assert Browser(web, agency, cookies=session).get("/document", ref=REFUSED).status == 404, "G06 did not get it"
    assert Browser(web, agency, cookies=session).get("/document", ref=ARRIVED).status == 200
    nobody = keystore.new_tls(authority, "somebody", line.clock.now).der
    assert Browser(web, nobody, cookies=session).get("/").status == 401


# -- What is shown ---------------------------------------------------------------------------------------------------


def test_a_document_says_first_where_it_is_and_why_trouble_first(hub: Browser) -> None:
    text = hub.get("/document", ref=REFUSED, lang="en").text
    assert text.index("H29 refused it") < text.index("The system of H41 has it") < text.index("<caption")
    assert text.index('<li class="trouble">') < text.index("<li>\n<p>The system")
    assert text.index("Recipients</caption>") < text.index("Time-line")
    assert "The sender mends it" in text
    table = text[text.index("Recipients</caption>") :]
    assert table.index('scope="row">H29') < table.index('scope="row">H41')


def test_hostile_text_is_text_on_every_page_and_in_every_export(
    hub: Browser, agency: Browser, opened: desks.Desks, line: Line
) -> None:
    sender = Browser(web_of(opened, line, "G22")).login()
    for browser in (hub, agency, sender):
        pages = [browser.get(path, **fields).text for path, fields in addresses(browser)]
        shown = [one for one in pages if "alert(1)" in one]
        assert len(shown) >= 2
        for text in shown:
            assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
            assert "{{ 7*7 }}" in text
            assert "&amp;lt;b&amp;gt;" in text
            assert "\u202e" not in text
            assert "\\u202e" in text
    rows = list(csv.reader(io.StringIO(hub.get("/documents.csv").text)))
    cells = {cell for row in rows for cell in row}
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)
    assert not [cell for cell in cells if cell[:1] in {"=", "+", "-", "@", "\t", "\r"}]
    assert hub.get("/documents.csv").body.startswith(b"\xef\xbb\xbf"), "a spreadsheet knows that it is UTF-8"
    times = [row[rows[0].index("received_at")] for row in rows[1:]]
    assert all(re.fullmatch(r"2026-11-\d\dT\d\d:\d\d:\d\d\+07:00", one) for one in times)
    value = json.loads(hub.get("/documents.json").text)
    assert any(row["subject"].startswith("=HYPERLINK") for row in value["documents"])
    typed = '"><script>alert(2)</script>'
    for path, name in (
        ("/", "q"),
        ("/", "from"),
        ("/document", "ref"),
        ("/documents", "words"),
        ("/documents", "date"),
        (f"/{typed}", "x"),
    ):
        text = hub.get(path, **{name: typed}).text
        assert "<script" not in text


def test_a_clerk_reads_what_has_come_and_gets_its_files_and_nothing_that_was_taken_back(
    agency: Browser, opened: desks.Desks, line: Line
) -> None:
    rows = {row["code"]: row for row in json.loads(agency.get("/inbox.json").text)["documents"]}
    assert set(rows) == {ARRIVED, REFUSED}, "what H41 has sent is not in its inbox"
    assert rows[ARRIVED]["subject"].startswith("=HYPERLINK")
    page = agency.get("/letter", ref=rows[ARRIVED]["axis_id"], lang="en").text
    assert "signed by G22" in page
    assert "verified" in page
    found = agency.get("/attachment", ref=rows[ARRIVED]["axis_id"], n=1)
    assert found.body == PDF
    assert found.headers["content-type"] == "application/octet-stream"
    shown = found.headers["content-disposition"]
    assert shown.startswith("attachment; filename=")
    assert shown.count(";") == 2, "the name has put nothing into the header"
    assert httpx.Headers({"x": shown})["x"].endswith(".html")
    assert "%250d%250a" in shown
    assert NAME.replace("'", "&#39;") in page
    for n in ("0", "2", "-1", "x", "1e0", "٣", ""):
        assert agency.get("/attachment", ref=rows[ARRIVED]["axis_id"], n=n).status in {400, 404}
    for code, reference in (("H29", REFUSED), ("G18", "5/TN-G22")):
        browser = Browser(web_of(opened, line, code)).login()
        axis_id = line.trace(reference)["document"]["axis_id"]
        assert browser.get("/letter", ref=axis_id).status == 404, "refused, or not handed over"
        assert browser.get("/attachment", ref=axis_id, n=1).status == 404


def test_an_operator_of_the_hub_reads_no_document(hub: Browser) -> None:
    axis_id = json.loads(hub.get("/document.json", ref=ARRIVED).text)["document"]["axis_id"]
    assert hub.get("/letter", ref=axis_id).status == 404
    assert hub.get("/attachment", ref=axis_id, n=1).status == 404


def test_numbers_are_whole_in_both_languages_and_for_programs(hub: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = statuses.status

    def many(*given: Any) -> dict[str, Any]:
        value = ask(*given)
        value["causes"][0]["count"] = 9_007_199_254_740_993  # more than a floating point number can tell
        return value

    monkeypatch.setattr(statuses, "status", many)
    assert "9.007.199.254.740.993" in hub.get("/status", lang="vi").text
    assert "9,007,199,254,740,993" in hub.get("/status", lang="en").text
    assert ",9007199254740993," in hub.get("/status.csv").text
    assert json.loads(hub.get("/status.json").text)["causes"][0]["count"] == 9_007_199_254_740_993


def test_filters_are_the_address_and_pages_go_on_where_the_last_ended(hub: Browser) -> None:
    every = [row["code"] for row in json.loads(hub.get("/documents.json", limit=200).text)["documents"]]
    found, where = [], "/documents?limit=1&from=G22&lang=en"
    for _ in range(9):
        path, _, query = where.partition("?")
        text = hub.ask(path, query.encode()).text
        found += re.findall(r'<th scope="row"><a [^>]*><bdi>(.*?)</bdi>', text)
        assert 'value="G22"' in text
        forward = re.search(r'<a href="([^"]+)" rel="next">', text)
        if forward is None:
            break
        where = forward[1].replace("&amp;", "&")
    assert sorted(found) == sorted(code for code in every if code.endswith("G22"))
    assert json.loads(hub.get("/documents.json", limit=1).text)["page"]["next"]
    text = hub.get("/documents", state="refused", lang="en").text
    assert '<option value="refused" selected>' in text
    assert re.findall(r"<bdi>(\d/TN-\w+)</bdi>", text) == [REFUSED]
    for name, wrong in {
        "after": "'",
        "state": "x",
        "kind": "x",
        "limit": "201",
        "date": "2026-13",
        "way": "x",
        "priority": "a",
    }.items():
        expected = 200 if name == "way" else 400  # an operator's list has no direction
        assert hub.get("/documents", **{name: wrong}).status == expected, name
    assert hub.get("/documents", words="x" * 501).status == 400
    assert hub.ask("/documents", b"&".join(b"a%d=1" % n for n in range(40))).status == 400
    assert hub.ask("/documents", b"words=%ff").status == 400


def test_a_page_that_has_looked_through_a_part_alone_does_not_say_that_there_is_nothing(
    hub: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"from": "G22", "state": "finished", "limit": 1}
    assert texts.TEXTS["list.none"][0] in hub.get("/documents", **asked, lang="vi").text
    monkeypatch.setattr(listing, "WINDOWS", 1)
    monkeypatch.setattr(listing, "LOOKED_AT", 1)
    said = hub.get("/documents", **asked, lang="vi").text
    assert texts.TEXTS["list.none"][0] not in said
    assert texts.TEXTS["list.none.so_far"][0] in said
    assert 'rel="next"' in said


def test_the_language_is_what_the_address_says_else_what_the_browser_would_like(hub: Browser) -> None:
    def spoken(accept: str, query: bytes = b"") -> str:
        text = hub.ask("/", query, headers={"accept-language": accept}).text
        return re.findall(r'<html lang="(\w+)"', text)[0]

    assert spoken("") == "vi"
    assert spoken("en-US,en;q=0.9,vi;q=0.8") == "en"
    assert spoken("fr, vi;q=0.5, en;q=0.4") == "vi"
    assert spoken("de") == "vi"
    assert spoken("en;q=x" * 200) in {"vi", "en"}
    assert spoken("en", b"lang=vi") == "vi"


def test_what_is_not_there_says_what_to_do(hub: Browser, agency: Browser) -> None:
    for browser in (hub, agency):
        for path, fields in (("/nowhere", {}), ("/", {"q": "98765/QĐ"}), ("/document", {"ref": "98765/QĐ"})):
            found = browser.get(path, **fields, lang="en")
            assert found.status == 404
            assert "Check the" in found.text
            assert "<nav" in found.text
    refused = hub.get("/", q="55/TN-G22", lang="en").text
    assert "STATUS_UNKNOWN_DOCUMENT" in refused


def test_a_report_is_counted_beside_the_pages(hub: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    from axis.services.questions import report as reports

    released, count = threading.Event(), reports.report

    def slow(*given: Any, **more: Any) -> dict[str, Any]:
        assert released.wait(60)
        return count(*given, **more)

    monkeypatch.setattr(reports, "report", slow)
    monkeypatch.setattr(counted, "PATIENCE", 0.01)
    waits = hub.get("/reports", period="2026-11", lang="en")
    assert (waits.status, "being counted" in waits.text) == (202, True)
    assert hub.get("/reports.csv", period="2026-11").status == 503
    for month in range(1, 8):
        assert hub.get("/reports", period=f"2025-{month:02}").status == 202
    assert hub.get("/reports", period="2024").status == 503, "so many wait, and no more"
    released.set()
    monkeypatch.setattr(counted, "PATIENCE", 60)
    there = hub.get("/reports", period="2026-11", lang="en")
    assert there.status == 200
    assert "<svg" in there.text
    assert "G22" in there.text
    hub.web.counted.close()


def test_what_could_not_be_counted_is_counted_again() -> None:
    made, kept = Counted(), []

    def count() -> dict[str, Any]:
        kept.append(1)
        if len(kept) == 1:
            raise Rejected.__new__(Rejected)
        return {}

    with pytest.raises(Rejected):
        made.of("x", count)
    assert made.of("x", count) == made.of("x", count) == {}
    assert len(kept) == 2
    made.close()


# -- The command -----------------------------------------------------------------------------------------------------


def test_it_is_served_with_its_token_in_a_file_of_its_own(line: Line) -> None:
    home = open_home(line.path)
    with desks.served(home, "127.0.0.1:0", "H41", (), "vi") as desk:
        assert desk.token_file.stat().st_mode & 0o777 == 0o600
        token = desk.token_file.read_text().strip()
        with httpx.Client(base_url=desk.base, follow_redirects=True) as client:
            assert client.get("/documents").status_code == 401
            assert client.post("/login", data={"token": token}).status_code == 200
            assert client.get("/inbox").status_code == 200
            assert client.get("/documents", headers={"Host": "evil.example"}).status_code == 421
            assert "H41" in client.get("/").text
    assert not desk.token_file.exists()


def test_agencies_come_in_over_tls_by_the_certificates_of_one_authority(line: Line, tmp_path: Path) -> None:
    now = desks_now()
    authority, other = keystore.new_authority(now), keystore.new_authority(now)
    for name, signer in {
        "ca": authority,
        "server": keystore.new_tls(authority, "desk", now, ["127.0.0.1"]),
        "H41": keystore.new_tls(authority, "H41", now),
        "nobody": keystore.new_tls(authority, "G99", now),
        "forged": keystore.new_tls(other, "H41", now),
    }.items():
        keystore.save_signer(tmp_path, name, signer)
    files = {
        f"{name}_file": str(tmp_path / file)
        for name, file in (("certificate", "server.pem"), ("key", "server.key"), ("ca", "ca.pem"))
    }
    home = open_home(line.path)
    home = home._replace(config=home.config._replace(web=config.Web("127.0.0.1:0", **files)))
    import ssl

    def asked(name: str, path: str, **fields: str) -> int:
        context = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        if name:
            context.load_cert_chain(tmp_path / f"{name}.pem", tmp_path / f"{name}.key")
        with httpx.Client(base_url=desk.base, verify=context) as client:
            return client.get(path, params=fields).status_code

    with desks.served(home, "", "", (), "vi") as desk:
        assert desk.base.startswith("https://")
        assert asked("H41", "/document", ref=ARRIVED) == 200
        assert asked("H41", "/document", ref=RECALLED) == 404, "it went to G06 alone"
        assert asked("nobody", "/") == 401
        assert asked("", "/") == 401
        with pytest.raises(httpx.TransportError):
            asked("forged", "/")


def desks_now() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC) - timedelta(minutes=5)


def test_it_is_not_opened_to_others_in_the_clear(line: Line) -> None:
    home = open_home(line.path)
    for listen, names in (("0.0.0.0:0", ["axis.gov.vn:80"]), ("0.0.0.0:0", []), ("nonsense", [])):
        with pytest.raises(Misconfigured), desks.served(home, listen, "", names, "vi"):
            pass
    assert not list(line.path.glob("web-*"))


def test_what_is_missing_is_named(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def said(*words: str) -> str:
        done = CliRunner().invoke(cli.main, ["web", "--home", str(line.path), "--listen", "127.0.0.1:0", *words])
        assert done.exit_code not in {0, 1}
        return done.output

    assert "AGENCY_UNKNOWN" in said("--as", "G99")
    for name in [one for one in sys.modules if one.startswith("axis.web.app")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert "axis-exchange[web]" in said()


def test_every_word_of_the_desk_is_there_in_both_languages() -> None:
    import importlib.resources

    folder = importlib.resources.files("axis.web").joinpath("templates")
    used = {
        key
        for template in folder.iterdir()
        for key in re.findall(r'word\("([\w.]+)"(?! ~)', template.read_text("utf-8"))
        if not key.endswith(".")
    }
    assert len(used) > 80
    assert used - set(texts.TEXTS) == set()


def test_of_a_document_that_it_got_an_agency_sees_its_own_part_and_its_sender_all(
    opened: desks.Desks, line: Line
) -> None:
    of_record = replace(opened, journals={})
    got, sent = (Browser(web_of(of_record, line, code)).login() for code in ("H41", "G22"))
    for path in ("/document", "/document.json", "/document.csv", "/board", "/board.json", "/board.csv"):
        assert "H29" not in got.get(path, ref=REFUSED).text, path
        assert "H41" in got.get(path, ref=REFUSED).text
        shown = sent.get(path, ref=REFUSED).text
        assert "H29" in shown
        assert "H41" in shown
    totals = json.loads(got.get("/board.json", ref=REFUSED).text)["totals"]
    assert totals == {"recipients": 1, "handed_over": 1, "overdue": 0}
    events = json.loads(got.get("/document.json", ref=REFUSED).text)["events"]
    assert {one["recipient"] for one in events} == {"", "H41"}
    assert [one["detail"] for one in events if not one["recipient"]] == [{}]
    value = json.loads(got.get("/status.json").text)
    assert {one["code"] for one in value["agencies"]} == {"H41"}
    assert value["today"] == {}
    assert json.loads(got.get("/refusals.json").text) == []

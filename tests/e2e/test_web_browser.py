"""The web desk in a browser: looked over by axe in both languages, light and dark; with scripts off; by keyboard; printed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from axis import desks
from axis.home import open_home
from tests import make_pictures, sample
from tests.servers import Chromium
from tests.webdesk import prepared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from axis.desks import Served

pytestmark = pytest.mark.timeout(400)
TAB, ENTER = "\ue004", "\ue007"
PAGES = {
    "": (
        *(
            "/",
            "/?q=1/TN-G22",
            "/?q=nghiem",
            "/?q=zzz",
            "/documents",
            "/documents?state=trouble",
            "/status",
            "/reports",
        ),
        *("/document?ref=2/TN-G22", "/board?ref=2/TN-G22", "/registry", "/registry?code=G18", "/refusals", "/nowhere"),
        "/documents?date=x",
    ),
    "H41": ("/inbox", "/document?ref=1/TN-G22", "/status", "/refusals", "/documents"),
}
LOOK = """const done = arguments[arguments.length - 1], rules = arguments[0];
const only = rules.length ? {runOnly: {type: 'rule', values: rules}} : {};
axe.run(document, {resultTypes: ['violations'], ...only}).then(found => done(found.violations.map(
  one => [one.id, one.nodes.map(node => node.html.slice(0, 200)).slice(0, 3)])))"""
COLOURS = ("color-contrast", "link-in-text-block")  # what of a page may be wrong in the dark alone


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        return prepared(tmp_path_factory.mktemp("browser") / "home", patch).path


@pytest.fixture(scope="module")
def chromium(axe_source: str) -> Iterator[Chromium]:
    assert axe_source
    with Chromium() as browser:
        yield browser


def come_in(browser: Chromium, desk: Served) -> None:
    browser.open(f"{desk.base}/login?once={desk.web.entry.once(desk.web.clock())}")


def letter_of(desk: Served) -> str:
    found = desk.web.desk_of("H41").page("received", _everything(), (), "", 20, desk.web.clock())
    return f"/letter?ref={next(row['axis_id'] for row in found.rows if row['code'] == '1/TN-G22')}"


def _everything() -> Any:
    from axis.infra.record.listing import Wanted

    return Wanted()


def test_axe_finds_nothing_on_any_page_light_and_dark_in_both_languages(
    home: Path, chromium: Chromium, axe_source: str
) -> None:
    """Each page by every rule in one of the languages, each run in the other one; in the other colours, which differ
    in nothing else, by the rules about them. `make sweep` looks for everything everywhere."""
    looked, found = 0, []
    for code, pages in PAGES.items():
        with desks.served(open_home(home), "127.0.0.1:0", code, (), "vi") as desk:
            chromium.open(f"{desk.base}/login")
            more = ("/login", *pages, *((letter_of(desk),) if code else ()))
            for number, path in enumerate(more):
                if number == 1:
                    come_in(chromium, desk)
                for turn, lang in enumerate(("vi", "en")):
                    if not sample.is_tried(number, 2, turn):
                        continue
                    chromium.open(f"{desk.base}{path}{'&' if '?' in path else '?'}lang={lang}")
                    chromium.run(axe_source)
                    for scheme, rules in (("light", ()), ("dark", () if sample.FULL else COLOURS)):
                        chromium.media("prefers-color-scheme", scheme)
                        assert chromium.run("return matchMedia('(prefers-color-scheme: dark)').matches") is (
                            scheme == "dark"
                        )
                        found += [(path, lang, scheme, *one) for one in chromium.run(LOOK, rules, later=True)]
                        looked += 1
    assert found == []
    assert looked >= (4 if sample.FULL else 2) * (len(PAGES[""]) + len(PAGES["H41"]))
    print(f"\naxe looked over {looked} pages")


def test_axe_would_find_something(home: Path, chromium: Chromium, axe_source: str) -> None:
    with desks.served(open_home(home), "127.0.0.1:0", "", (), "vi") as desk:
        come_in(chromium, desk)
        chromium.run("document.querySelector('label').remove(); document.body.style.color = '#eee'")
        chromium.run(axe_source)
        chromium.media("prefers-color-scheme", "light")
        assert {one[0] for one in chromium.run(LOOK, (), later=True)} >= {"label", "color-contrast"}
        assert {one[0] for one in chromium.run(LOOK, COLOURS, later=True)} == {"color-contrast"}


def test_what_was_written_by_others_runs_nothing_in_a_browser(home: Path, chromium: Chromium) -> None:
    with desks.served(open_home(home), "127.0.0.1:0", "", (), "vi") as desk:
        come_in(chromium, desk)
        for path in (
            "/document?ref=1/TN-G22",
            "/documents",
            "/board?ref=1/TN-G22",
            "/?q=<script>document.title='x'</script>",
        ):
            chromium.open(desk.base + path)
            assert chromium.run("return document.querySelectorAll('script, main img').length") == 0
            blocked = "const one = document.createElement('script'); one.textContent = 'window.ran = 1'; "
            chromium.run(blocked + "document.body.append(one)")
            assert chromium.run("return window.ran || 0") == 0, "nor does what somebody has got into the page"
        assert chromium.run("return document.cookie") == "", "and no script sees the session"


def test_it_works_with_scripts_off_by_keyboard_alone(home: Path, axe_source: str) -> None:
    with Chromium(scripts=False) as browser, desks.served(open_home(home), "127.0.0.1:0", "", (), "vi") as desk:
        browser.open("data:text/html,<script>document.write('o' + 'n')</script>off")
        assert "off" in browser.source
        assert "onoff" not in browser.source
        come_in(browser, desk)
        browser.press(TAB)  # to the content
        browser.press(ENTER)
        browser.press(TAB)  # what is looked for
        browser.press(*"1/TN-G22", ENTER)
        for _ in range(100):
            if "2/TN" not in browser.source and "Đang ở đâu" in browser.source:
                break
        assert "HYPERLINK" in browser.source
        assert "H41" in browser.source


def test_what_is_printed_has_the_content_and_no_navigation(home: Path, chromium: Chromium) -> None:
    with desks.served(open_home(home), "127.0.0.1:0", "", (), "vi") as desk:
        come_in(chromium, desk)
        chromium.open(f"{desk.base}/board?ref=2/TN-G22")
        chromium.media("type", "print")
        hidden = "return [...document.querySelectorAll('nav, form')].every(one => one.offsetParent === null)"
        assert chromium.run(hidden) is True
        assert chromium.run("return document.querySelector('table').offsetParent !== null") is True
        assert (
            json.dumps(chromium.run("return getComputedStyle(document.body).backgroundColor")) == '"rgb(255, 255, 255)"'
        )
        chromium.media("type", "")


def test_the_pictures_of_the_documentation_are_taken_anew(tmp_path: Path, axe_source: str) -> None:
    assert axe_source
    made = make_pictures.make(tmp_path / "pictures")
    assert [one.stem for one in made] == [one[0] for one in make_pictures.PICTURES]
    for one in made:
        head = one.read_bytes()[:24]
        assert head.startswith(b"\x89PNG")
        assert int.from_bytes(head[16:20]) >= 1000
        assert one.stat().st_size > 15_000, "not an empty page"
    kept = {one.name for one in make_pictures.FOLDER.glob("*.png")}
    assert kept == {one.name for one in made}
    said = "".join((make_pictures.FOLDER.parent / name).read_text("utf-8") for name in ("web.md", "../README.md"))
    assert all(f"pictures/{name}" in said for name in kept)

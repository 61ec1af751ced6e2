"""The pictures of the web desk in docs/pictures: ``python -m tests.make_pictures [FOLDER]`` (`make pictures`), taken in
Debian's Chromium of a home that lives a short story first."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from axis import desks
from axis.home import open_home
from axis.trials.servers import BROWSER
from tests.line import Line
from tests.servers import Chromium, ensure_installed
from tests.webdesk import prepared

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
SUBJECT = "V/v triển khai kế hoạch phòng, chống thiên tai năm 2026"
# Name, whose desk, light or dark, language, page.
PICTURES = (
    ("search", "", "light", "vi", "/"),
    ("document", "", "light", "vi", "/document?ref=2/TN-G22"),
    ("document-en-dark", "", "dark", "en", "/document?ref=2/TN-G22"),
    ("board", "", "light", "vi", "/board?ref=2/TN-G22"),
    ("status", "", "light", "vi", "/status"),
    ("report", "", "light", "vi", "/reports?period=2026-11"),
    ("inbox", "H41", "light", "vi", "/inbox"),
)


def story(path: Path) -> Line:
    """A home with something of everything."""
    with pytest.MonkeyPatch.context() as patch:
        return prepared(path, patch, subject=SUBJECT)


def make(folder: Path) -> list[Path]:
    """Take the pictures into `folder`; their files. Raises NoServerError where there is no browser."""
    ensure_installed(tuple(BROWSER))
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    with TemporaryDirectory(prefix="axis-pictures-") as place, Chromium(size=(1100, 800)) as browser:
        home = open_home(story(Path(place) / "home").path)
        for code in dict.fromkeys(one[1] for one in PICTURES):
            with desks.served(home, "127.0.0.1:0", code, (), "vi") as desk:
                browser.open(f"{desk.base}/login?once={desk.web.entry.once(desk.web.clock())}")
                for name, whose, scheme, lang, page in PICTURES:
                    if whose != code:
                        continue
                    browser.media("prefers-color-scheme", scheme)
                    browser.open(f"{desk.base}{page}{'&' if '?' in page else '?'}lang={lang}")
                    (folder / f"{name}.png").write_bytes(browser.picture())
                    made.append(folder / f"{name}.png")
    return made


if __name__ == "__main__":
    for path in make(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER):
        print(path)

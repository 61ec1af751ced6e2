"""The walk of the README as pictures, docs/walk/N.*.svg and docs/walk/*.png: ``python -m tests.make_walk``.

Each line of the README's block is run as it stands, in one empty folder; an empty line begins another picture. The last
pictures are the web desk's of the home that the walk leaves. A test walks again and compares.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from axis import desks
from axis.home import open_home
from axis.trials.servers import BROWSER
from tests.e2e.test_guides import DOCS, FENCE, ROOT, Line, read
from tests.forked import Forked
from tests.make_stories import LANGUAGES, draw, said, svg
from tests.servers import Chromium, ensure_installed

if TYPE_CHECKING:
    from axis.errors import Language

PAGES = {"en": ROOT / "README.md", "vi": DOCS / "README.vi.md"}
PICTURES = DOCS / "walk"
# Name, whose desk, page.
DESK = (
    ("document", "G22", "/document?ref=2/VPCP-HC"),
    ("board", "", "/board?ref=1/VPCP-HC"),
    ("report", "", "/reports"),
    ("inbox", "H41", "/inbox"),
)


def chapters(language: Language) -> list[list[Line]]:
    """The lines of the README's walk, picture by picture."""
    ((kind, _, body),) = FENCE.findall(PAGES[language].read_text("utf-8"))
    assert kind == "sh"
    return [[read(line) for line in part.splitlines()] for part in body.strip().split("\n\n")]


def play(language: Language, place: Path) -> list[list[str]]:
    """Walk in `place`/here, which must not be there; what a terminal shows, picture by picture. Raises AssertionError
    where a line ends otherwise than the README says."""
    here = place / "here"
    here.mkdir()
    environment = {
        "PATH": f"{place / 'bin'}:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(here),
        "AXIS_LANG": language,
    }
    told = []
    with Forked(place / "bin"):
        for part in chapters(language):
            shown: list[str] = []
            for line in part:
                done = subprocess.run(
                    ["bash", "-c", line.command],
                    cwd=here,
                    env=environment,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    check=False,
                )
                assert done.returncode == line.code, (line.command, done.stdout)
                assert line.says in done.stdout, (line.command, done.stdout)
                shown += [f"$ {line.command}", *(f"  {one}".rstrip() for one in done.stdout.splitlines()), ""]
            told.append(shown[:-1])
    return told


def differs(language: Language, told: list[list[str]]) -> list[str]:
    """Which pictures in docs/ do not say what was told, and which are missing or too many."""
    wanted = {f"{number}.{language}.svg": said(svg(lines)) for number, lines in enumerate(told, 1)}
    kept = {one.name: said(one.read_text("utf-8")) for one in PICTURES.glob(f"*.{language}.svg")}
    return sorted(name for name in wanted.keys() | kept.keys() if wanted.get(name) != kept.get(name))


def photograph(home: Path, folder: Path) -> list[Path]:
    """The web desk's pictures of a home into `folder`; their files. Raises NoServerError where there is no browser."""
    ensure_installed(tuple(BROWSER))
    made = []
    with Chromium(size=(1100, 800)) as browser:
        for name, whose, page in DESK:
            with desks.served(open_home(home), "127.0.0.1:0", whose, (), "vi") as desk:
                browser.open(f"{desk.base}/login?once={desk.web.entry.once(desk.web.clock())}")
                browser.media("prefers-color-scheme", "light")
                browser.open(f"{desk.base}{page}{'&' if '?' in page else '?'}lang=vi")
                (folder / f"{name}.png").write_bytes(browser.picture())
                made.append(folder / f"{name}.png")
    return made


def main() -> None:
    """Walk in both languages and draw it."""
    for language in LANGUAGES:
        with TemporaryDirectory(prefix="axis-walk-") as place:
            for number, lines in enumerate(play(language, Path(place)), 1):
                draw(f"walk/{number}", language, lines)
            if language == "vi":
                photograph(Path(place) / "here" / "H", PICTURES)


if __name__ == "__main__":
    main()

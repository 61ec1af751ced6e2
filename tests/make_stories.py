"""Draws both stories as a terminal tells them, docs/ecabinet.*.svg and docs/dossier.*.svg: ``python -m tests.make_stories``.

Keys, dates and digests are others each time; tests play the stories again and compare the rest.
"""

from __future__ import annotations

import re
import tempfile
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from axis.commands.demo import ballot_lines, dossier_lines
from axis.core import xml
from axis.errors import Language
from axis.trials import demo_dossier, ecabinet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from axis.trials.demo_scenes import Scene

DOCS = Path(__file__).parent.parent / "docs"
LANGUAGES: tuple[Language, ...] = get_args(Language)
WIDTH, LINE, LEFT = 108, 18, 16  # characters; points
_ANOTHER = (
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{64}\b", "#"),  # an axis id, a whole digest
    (r"\b[0-9a-f]{12}\b", "#"),  # a digest
    (
        r"\d{2}/\d{2}/\d{4}( \d{2}:\d{2}(:\d{2})?)?|\d{1,2}:\d{2}(:\d{2})?|\d{4}[-/]\d{2}[-/]\d{2}",
        "@",
    ),  # a moment, a day
    (r"\b\d+ (giây|s)\b", "@ s"),  # how long it took
    (r"(?<=-)\d{6}(?=-\d{7})", "@"),  # of an application's number
    (r"EB\d{9}VN", "#"),  # a waybill
)


def ballot(scenes: Iterable[Scene], language: Language) -> list[str]:
    """The story of a ballot: what a terminal shows."""
    told = [[*ballot_lines(scene, language), ""] for scene in scenes]
    return [f"$ axis --lang {language} demo --story ecabinet", "", *(line for lines in told for line in lines)][:-1]


def dossier(scenes: Iterable[Scene], language: Language) -> list[str]:
    """The story of an application."""
    told = [[*dossier_lines(number, scene, language), ""] for number, scene in enumerate(scenes, 1)]
    return [f"$ axis --lang {language} demo --story dossier", "", *(line for lines in told for line in lines)][:-1]


def svg(lines: Sequence[str]) -> str:
    """The lines as a picture of a terminal."""
    shown = [part for line in lines for part in (_folded(line) or [""])]
    height = LINE * len(shown) + 2 * LEFT
    size = f'width="{WIDTH * 8 + 2 * LEFT}" height="{height}"'
    rows = [
        f'<text x="{LEFT}" y="{LEFT + LINE * place - 5}" xml:space="preserve">{xml.escape(line)}</text>'
        for place, line in enumerate(shown, 1)
        if line
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="monospace" font-size="13" fill="#e6e6e6">'
    return "\n".join([head, '<rect width="100%" height="100%" rx="6" fill="#1e2430"/>', *rows, "</svg>", ""])


def _folded(line: str) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(line, WIDTH, subsequent_indent=f"{indent}  ", drop_whitespace=False, break_on_hyphens=False)


def said(picture: str) -> list[str]:
    """The words of a picture, without what is another each time it is played: folded lines may break elsewhere."""
    words = " ".join(re.findall(r"<text [^>]*>([^<]*)</text>", picture))
    for pattern, sign in _ANOTHER:
        words = re.sub(pattern, sign, words)
    return words.split()


def file(story: str, language: Language) -> Path:
    """Where a picture lies."""
    return DOCS / f"{story}.{language}.svg"


def draw(story: str, language: Language, lines: Sequence[str]) -> None:
    """The picture, unless the one that lies there says the same."""
    place, picture = file(story, language), svg(lines)
    if not place.exists() or said(place.read_text("utf-8")) != said(picture):
        place.write_text(picture, "utf-8")


def main() -> None:
    """Play both stories and draw them."""
    with tempfile.TemporaryDirectory() as folder:
        told: list[Scene] = []
        ecabinet.perform(Path(folder) / "ballot", told.append)
        scenes: list[Scene] = []
        demo_dossier.perform(Path(folder) / "dossier", scenes.append)
        for language in LANGUAGES:
            draw("ecabinet", language, ballot(told, language))
            draw("dossier", language, dossier(scenes, language))


if __name__ == "__main__":
    main()

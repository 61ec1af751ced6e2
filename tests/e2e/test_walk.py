"""The first documents of a person who has read nothing but the README: every line of it as it stands, in both languages,
and the pictures of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.make_walk import DESK, DOCS, PICTURES, ROOT, chapters, differs, photograph, play

if TYPE_CHECKING:
    from pathlib import Path

    from axis.errors import Language

pytestmark = pytest.mark.timeout(600)  # thirty commands


def test_both_languages_have_the_same_walk() -> None:
    assert chapters("vi") == chapters("en")
    lines = [line for part in chapters("en") for line in part]
    assert {line.command.split()[1] for line in lines if line.command.startswith("axis ")} >= {
        *("write", "trace", "inbox", "recall", "answer", "board", "report"),
    }
    assert any(line.code == 3 for line in lines), "a refusal"


def test_the_walk_goes_as_it_stands_and_its_pictures_say_what_it_says(tmp_path: Path) -> None:
    languages: tuple[Language, ...] = ("en", "vi")
    for language in languages:
        (tmp_path / language).mkdir()
        told = play(language, tmp_path / language)
        assert differs(language, told) == [], "make pictures draws them anew"
        here = tmp_path / language / "here"
        assert {"H", "cong-van.txt", "van-ban-den"} == {one.name for one in here.iterdir()} - {".cache"}
    shown = "\n".join(line for part in told for line in part)
    assert "Về việc họp giao ban" in shown
    assert "yêu cầu thu hồi" in shown or "thu hồi" in shown
    made = photograph(here / "H", tmp_path)
    assert [one.stem for one in made] == [one[0] for one in DESK]
    assert all(one.stat().st_size > 15_000 for one in made), "not an empty page"


def test_the_page_of_the_walk_shows_each_picture() -> None:
    page = (DOCS / "walk.md").read_text("utf-8")
    assert "walk.md" in (ROOT / "README.md").read_text("utf-8")
    assert "walk.md" in (DOCS / "README.vi.md").read_text("utf-8")
    kept = [f"walk/{one.name}" for one in PICTURES.iterdir()]
    assert len(kept) == 4 + 4 + len(DESK)
    assert [name for name in kept if name not in page] == []

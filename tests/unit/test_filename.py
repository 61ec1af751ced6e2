"""Names of files from hostile text: every system can keep them, apart from each other, in their own folder; nothing runs."""

from __future__ import annotations

import os
import re
import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axis.core.filename import LEAST, ROOM, apart, ending_of, safe_name, same
from tests.hostile_names import NAMES

if TYPE_CHECKING:
    from pathlib import Path

# As Windows, macOS and Linux say it, written down anew: a name that the function lets through is judged by another.
FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\u200b-\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff]')
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)\s*(\..*)?", re.IGNORECASE)
RUNS = (
    ".exe",
    ".bat",
    ".cmd",
    ".com",
    ".scr",
    ".lnk",
    ".url",
    ".js",
    ".vbs",
    ".hta",
    ".html",
    ".svg",
    ".sh",
    ".ps1",
    ".jar",
)


def is_good(name: str, room: int = ROOM) -> bool:
    return (
        0 < len(name.encode()) <= room
        and not FORBIDDEN.search(name)
        and not RESERVED.fullmatch(name)
        and name[0] not in " .-~"
        and name[-1] not in " ."
        and unicodedata.is_normalized("NFC", name)
        and not name.casefold().endswith((*RUNS, ".ini", ".inf", ".desktop"))
    )


def test_there_are_two_hundred() -> None:
    assert len(NAMES) >= 200


@pytest.mark.parametrize("room", [LEAST, 120, ROOM])
def test_every_hostile_name_becomes_one_that_every_system_keeps(room: int) -> None:
    assert [(one, made) for one in NAMES if not is_good(made := safe_name(one, room), room)] == []


@given(st.text(max_size=150), st.integers(LEAST, ROOM))
def test_so_does_whatever_text(text: str, room: int) -> None:
    made = safe_name(text, room)
    assert is_good(made, room)
    assert safe_name(made, room) == made, "a good name stays as it is"


@given(st.lists(st.text(max_size=60), max_size=12))
def test_what_some_system_takes_for_one_name_is_two(texts: list[str]) -> None:
    made = apart(map(safe_name, texts), ["thong-tin.html"])
    assert len({same(one) for one in (*made, "thong-tin.html")}) == len(texts) + 1
    assert all(map(is_good, made))


def test_what_a_clerk_writes_is_left_as_it_is() -> None:
    for name in ("Công văn số 12.pdf", "Phụ lục (bản 2).docx", "a_b-c.xlsx", "12-VPCP-HC.zip"):
        assert safe_name(name) == name


def test_the_ending_is_kept_and_no_character_is_halved() -> None:
    made = safe_name("Về việc " + "ế" * 300 + ".pdf", 100)
    assert made.endswith(".pdf")
    assert "\ufffd" not in made
    assert safe_name("a" * 97 + "e\u0302\u0323x" * 9, 100).startswith("a" * 97)
    assert ending_of("Công văn.pdf") == ".pdf"


def test_what_a_click_runs_is_defused_unless_it_may_run() -> None:
    assert safe_name("Công văn.pdf.exe") == "Công văn.pdf.exe_"
    assert safe_name("Công văn.pdf.exe . ") == "Công văn.pdf.exe_"
    assert safe_name("a.html", may_run=True) == "a.html"


def test_all_of_them_lie_together_in_one_folder(tmp_path: Path) -> None:
    folder = tmp_path / "inbox"
    folder.mkdir()
    for number, name in enumerate(apart(map(safe_name, NAMES))):
        with (folder / name).open("x") as handle:
            handle.write(str(number))
    assert len(os.listdir(folder)) == len(NAMES)
    assert os.listdir(tmp_path) == ["inbox"]

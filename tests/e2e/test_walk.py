"""The first document of a person who has read nothing but the README: every line of it as it stands, in both languages."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_guides import DOCS, FENCE, ROOT, Line, read
from tests.forked import Forked

if TYPE_CHECKING:
    from pathlib import Path

PAGES = {"en": ROOT / "README.md", "vi": DOCS / "README.vi.md"}
pytestmark = pytest.mark.timeout(600)  # thirteen commands


def walk(language: str) -> list[Line]:
    ((kind, _, body),) = FENCE.findall(PAGES[language].read_text("utf-8"))
    assert kind == "sh"
    return [read(one) for one in body.splitlines()]


def test_both_languages_have_the_same_walk() -> None:
    assert walk("vi") == walk("en")
    assert {line.command.split()[1] for line in walk("en") if line.command.startswith("axis ")} >= {
        "write",
        "trace",
        "inbox",
        "recall",
        "answer",
    }
    assert any(line.code == 3 for line in walk("en")), "a refusal"


def test_the_walk_goes_as_it_stands(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    environment = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(here), "AXIS_LANG": "vi"}
    shown = ""
    with Forked(tmp_path / "bin"):
        for line in walk("vi"):
            command = ["bash", "-c", line.command]
            done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == line.code, (line.command, done.stdout, done.stderr)
            assert line.says in done.stdout + done.stderr, line.command
            shown += done.stdout
    assert "Về việc họp giao ban" in shown
    assert "yêu cầu thu hồi" in shown or "thu hồi" in shown
    assert {"H", "cong-van.txt", "van-ban-den"} == set(os.listdir(here)) - {".cache"}

"""A shell completes agency codes and document numbers; where there is no home it offers nothing and says nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.line import document, small_home

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    line = small_home(tmp_path_factory.mktemp("completion") / "home")
    line.drop("G22", document(1234))
    line.run()
    return line.path


def offered(home: Path, *words: str) -> list[str]:
    """What bash would be told after these words."""
    asked = {"_AXIS_COMPLETE": "zsh_complete", "COMP_WORDS": " ".join(("axis", *words)), "COMP_CWORD": str(len(words))}
    env = {**os.environ, "AXIS_LANG": "vi", "AXIS_HOME": str(home), **asked}
    entry = "import cli; cli.main(prog_name='axis')"
    done = subprocess.run([sys.executable, "-c", entry], capture_output=True, text=True, env=env, cwd=ROOT, check=False)
    assert done.stderr == ""
    return [row for row in done.stdout.splitlines() if row]


def test_a_shell_is_offered_agencies_with_their_names_and_documents_with_their_subjects(home: Path) -> None:
    assert offered(home, "agency", "show", "h4") == ["plain", "H41", "UBND tỉnh Nghệ An"]
    codes = offered(home, "queue", "list", "--agency", "G")
    assert codes[1::3] == ["G06", "G18", "G22"]
    assert offered(home, "trace", "123")[1] == "1234/TN-G22"


def test_without_a_home_nothing_is_offered_and_nothing_goes_wrong(tmp_path: Path) -> None:
    assert offered(tmp_path / "nowhere", "trace", "1") == []

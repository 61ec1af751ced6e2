"""Whole pages as people see them, in both languages: tests/golden/pages. What is on them must be the same every time:
fixed clocks, fixed ids or none.

    AXIS_PAGES=write python -m pytest tests/e2e/test_list.py tests/e2e/test_status.py     writes them anew; read the diff
"""

from __future__ import annotations

import os
from pathlib import Path

PAGES = Path(__file__).parent / "golden" / "pages"


def check(name: str, language: str, shown: str) -> None:
    """The page of this name is as it was."""
    file = PAGES / f"{name}.{language}.txt"
    if os.environ.get("AXIS_PAGES") == "write":
        file.write_text(shown, "utf-8")
    assert file.read_text("utf-8") == shown

"""A release's version and its place in the changelog."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

from axis import __version__
from tests.make_release import CHANGES, VERSIONED, released, versioned

ROOT = Path(__file__).parent.parent.parent


def test_the_version_stands_in_one_place_and_is_the_installed_ones() -> None:
    text = (ROOT / VERSIONED).read_text("utf-8")
    assert version("axis-exchange") == __version__
    assert f'"{__version__}"' in text
    assert '"1.20.3rc1"' in versioned(text, "1.20.3rc1")
    assert versioned(versioned(text, "9.9.9"), __version__) == text


@pytest.mark.parametrize("wrong", ["", "1.2", "v1.2.3", "1.2.3.4", "1.2.3-rc1", '1.2.3"\nimport os'])
def test_what_is_no_version_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="not a version"):
        versioned('__version__ = "0.1.0"\n', wrong)


def test_what_was_unreleased_becomes_the_versions_and_stays_word_for_word() -> None:
    text = (ROOT / CHANGES).read_text("utf-8")
    made = released(text, "9.9.9", "2030-01-31")
    assert made.replace("\n## 9.9.9 – 2030-01-31\n", "", 1) == text
    assert made.index("## Unreleased") < made.index("## 9.9.9 – 2030-01-31") < made.index("### Added")
    with pytest.raises(ValueError, match="nothing is written"):
        released(made, "9.9.10", "2030-02-01")
    again = made.replace("## Unreleased\n", "## Unreleased\n\n### Fixed\n- something\n", 1)
    with pytest.raises(ValueError, match="released already"):
        released(again, "9.9.9", "2030-02-01")


def test_a_version_has_each_heading_once_and_says_nothing_twice() -> None:
    for version_ in (ROOT / CHANGES).read_text("utf-8").split("\n## ")[1:]:
        headings = [line for line in version_.splitlines() if line.startswith("### ")]
        assert headings == [one for one in ("### Added", "### Changed", "### Fixed", "### Removed") if one in headings]
        bullets = version_.split("\n- ")[1:]
        assert len(bullets) == len(set(bullets))

"""One word for one thing: the glossary's terms are used, and what it advises against is not."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from axis.commands.click_words import WORDS
from axis.errors import Fault
from axis.remedies import _TABLE
from axis.texts import TEXTS

ROOT = Path(__file__).parent.parent.parent
HEAD = ["English", "Tiếng Việt", "what it is · là gì", "from", "avoid · tránh"]


def rows() -> list[list[str]]:
    """The table, a list of cells for each term."""
    table = (ROOT / "docs" / "glossary.md").read_text("utf-8").splitlines()
    found = [[cell.strip() for cell in row.strip("|").split("|")] for row in table if row.startswith("|")]
    assert found[0] == HEAD
    return found[2:]


def texts() -> dict[str, str]:
    """Everything that people read, by where it stands."""
    found = {f"{key} {n}": said for key, both in TEXTS.items() for n, said in enumerate(both)}
    found |= {f"{fault.name} {n}": fault.value[n] for fault in Fault for n in (1, 2)}
    found |= {f"remedy of {faults[0].name} {n}": said for faults, both in _TABLE.items() for n, said in enumerate(both)}
    return found | {f"click: {english}": said for english, said in WORDS.items()}


def has(term: str, text: str) -> bool:
    return bool(re.search(rf"(?<!\w){re.escape(term)}(?!\w)", text, re.IGNORECASE))


def test_every_term_has_both_languages_and_stands_once() -> None:
    terms = rows()
    assert len(terms) > 40
    assert all(len(row) == len(HEAD) and row[0] and row[1] and row[2] for row in terms)
    assert len({row[0] for row in terms}) == len(terms)
    for row in terms:
        assert all(unicodedata.is_normalized("NFC", cell) for cell in row)


def test_no_text_says_what_the_glossary_advises_against() -> None:
    avoided = [word.strip() for row in rows() for word in row[4].split(",") if word.strip()]
    assert len(avoided) > 30
    found = {where: word for where, text in texts().items() for word in avoided if has(word, text)}
    assert found == {}


def test_the_terms_are_those_that_the_texts_use() -> None:
    every = "\n".join(texts().values())
    for row in rows():
        for cell in row[:2]:
            names = [one.strip() for one in re.sub(r"\(.*?\)", "", cell).split(",")]
            assert any(has(form, every) for name in names for form in (name, f"{name}s")), cell

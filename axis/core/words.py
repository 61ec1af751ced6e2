"""What a person types, in the form in which it is compared: case, accents, Đ/Ð/đ and normal forms do not matter."""

from __future__ import annotations

import re
import unicodedata

MAX_WORDS = 12  # that are looked for at once
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# What both databases are told to do with a number/notation (axis/infra/record/words.py): the letters that occur there.
CODE_LETTERS = _LETTERS + "đĐÐðưƯơƠăĂâÂêÊôÔ"
CODE_FOLDED = _LETTERS.upper() + "DDDDUUOOAAAAEEOO"
_CODE = str.maketrans(CODE_LETTERS, CODE_FOLDED)
_BARRED = str.maketrans("đĐÐð", "dddd")
_WORD = re.compile(r"\w+")


def fold_code(text: str) -> str:
    """A number/notation as it is compared: ``12/qđ-ttg`` as ``12/QD-TTG``."""
    return unicodedata.normalize("NFC", text.strip()).translate(_CODE)


def fold(text: str) -> str:
    """A text as it is searched: no case, no accents."""
    apart = unicodedata.normalize("NFD", text.translate(_BARRED))
    return "".join(one for one in apart if unicodedata.category(one) != "Mn").casefold()


def words(text: str, limit: int | None = MAX_WORDS) -> list[str]:
    """The words of a search, folded, each once; at most `limit`."""
    return list(dict.fromkeys(_WORD.findall(fold(text))))[:limit]

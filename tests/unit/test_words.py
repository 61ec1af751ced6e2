"""Case, accents, Đ/Ð/đ and normal forms do not matter to who searches."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axis.core.words import CODE_FOLDED, CODE_LETTERS, MAX_WORDS, fold, fold_code, words


@pytest.mark.parametrize("text", ["12/QĐ-TTg", "12/qđ-ttg", "12/QÐ-TTG", " 12/QD-TTg ", "12/qd-ttg"])
def test_a_number_is_the_same_however_it_is_typed(text: str) -> None:
    assert fold_code(text) == "12/QD-TTG"
    assert fold_code(unicodedata.normalize("NFD", text)) == "12/QD-TTG"


def test_words_are_the_same_however_they_are_typed() -> None:
    wanted = ["ve", "viec", "nghi", "tet", "duong", "lich", "da", "nang"]
    for form in ("NFC", "NFD", "NFKC"):
        assert words(unicodedata.normalize(form, "Về việc nghỉ Tết Dương lịch, Đà Nẵng")) == wanted
    assert words("VE VIEC nghi tet, duong-lich (da nang)") == wanted


@given(st.text(max_size=300))
def test_folding_is_done_once_for_ever(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold_code(fold_code(text)) == fold_code(text)
    found = words(text)
    assert len(found) <= MAX_WORDS
    assert all(word and not set(word) & set("&|!():*\"'\\ ") for word in found)


def test_each_letter_has_its_other_form() -> None:
    assert len(CODE_LETTERS) == len(CODE_FOLDED) == len(set(CODE_LETTERS))

"""Agency codes, new and old."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axis.core import organ


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("G22", "G22"),
        ("H29.10.05", "H29.10.05"),
        ("000.00.00.G22", "G22"),
        ("000.00.14.H20", "H20.14"),
        ("000.05.10.H29", "H29.10.05"),
        ("00.00.G22", "G22"),
        ("00.22.W00", "W00.22"),
        ("05.10.H29", "H29.10.05"),
        ("H29.10.A05", "H29.10.A05"),
        ("123.05.10.H29", "H29.10.05.123"),
        ("Z01ABC.9", "Z01ABC.9"),
        ("0101234567", "0101234567"),
        ("0101234567-001", "0101234567-001"),
        ("A" + "01" + ".A" * 16, "A01" + ".A" * 16),
    ],
)
def test_every_form_of_a_code_has_one_new_form(written: str, code: str) -> None:
    assert organ.normalise(written) == code
    assert organ.is_valid(written)
    assert organ.normalise(code) == code


@pytest.mark.parametrize(
    "written",
    ["", "G2", "g22", "22", "G22.", ".G22", "G22..1", "G22 ", "G22\n", "G22/1", "000.00.00.G2", "0000.00.00.G22",
     "00.G22", "0.00.00.G22", "00.00.00.G22", "000.00.G22", "VPCP", "Ｇ22", "G２2", "A01" + ".A" * 17, "Z01", "012345678", "01012345678"],
)  # fmt: skip
def test_what_is_no_code_is_refused(written: str) -> None:
    assert not organ.is_valid(written)
    with pytest.raises(ValueError, match="not an agency code"):
        organ.normalise(written)


@given(st.text(alphabet="0123456789ABGHZ.-\n", max_size=36))
def test_a_normal_form_is_its_own_normal_form(written: str) -> None:
    if organ.is_valid(written):
        assert organ.normalise(organ.normalise(written)) == organ.normalise(written)
        assert "\n" not in written


def test_what_stands_above_a_unit_comes_nearest_first() -> None:
    assert organ.ancestors("H29.10.05") == ["H29.10.05", "H29.10", "H29"]
    assert organ.ancestors("G22") == ["G22"]


@pytest.mark.parametrize("code", ["Z01ABC.9", "0101234567-001"])
def test_nothing_stands_above_a_body_of_its_own_kind(code: str) -> None:
    assert organ.ancestors(code) == [code]

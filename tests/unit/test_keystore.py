"""Keys on disk: 0600 from the first byte, refused when others may read them, and theirs alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from axis.core.registry import check_use
from axis.errors import Corrupted, Misconfigured, Rejected
from axis.infra import keystore

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 23, tzinfo=UTC)
AUTHORITY = keystore.new_authority(NOW)


@pytest.mark.parametrize("kind", ["p256", "rsa"])
def test_a_saved_key_is_private_and_loads_again(tmp_path: Path, kind: Any) -> None:
    signer = keystore.new_member(AUTHORITY, "G22", "Văn phòng Chính phủ", kind, NOW)
    keystore.save_signer(tmp_path, "G22", signer)
    assert (tmp_path / "G22.key").stat().st_mode & 0o777 == 0o600
    assert keystore.load_signer(tmp_path, "G22").der == signer.der
    check_use(signer.certificate)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    keystore.save_signer(tmp_path, "G22", keystore.new_member(AUTHORITY, "G22", "x", "p256", NOW))
    (tmp_path / "G22.key").chmod(mode)
    with pytest.raises(Misconfigured) as caught:
        keystore.load_signer(tmp_path, "G22")
    assert caught.value.fault.code == "KEY_FILE_OPEN"


def test_a_missing_key_and_a_key_of_another_certificate_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        keystore.load_signer(tmp_path, "G22")
    keystore.save_signer(tmp_path, "G22", keystore.new_member(AUTHORITY, "G22", "x", "p256", NOW))
    other = keystore.new_member(AUTHORITY, "G22", "x", "p256", NOW)
    (tmp_path / "other").mkdir()
    keystore.save_signer(tmp_path / "other", "G22", other)
    (tmp_path / "G22.pem").write_bytes((tmp_path / "other" / "G22.pem").read_bytes())
    with pytest.raises(Corrupted):
        keystore.load_signer(tmp_path, "G22")


def test_an_existing_key_is_never_overwritten(tmp_path: Path) -> None:
    signer = keystore.new_member(AUTHORITY, "G22", "x", "p256", NOW)
    keystore.save_signer(tmp_path, "G22", signer)
    with pytest.raises(FileExistsError):
        keystore.save_signer(tmp_path, "G22", signer)


def test_the_ca_may_not_sign_documents() -> None:
    with pytest.raises(Rejected):
        check_use(AUTHORITY.certificate)


def test_a_signer_never_shows_its_key() -> None:
    assert "PRIVATE" not in repr(AUTHORITY)
    assert "key=" not in repr(AUTHORITY)

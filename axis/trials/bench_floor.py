"""What the primitives of the same work cost on this machine in the same minutes: a floor for every line, of libraries
alone and none of the axis' own code. Transport and flushes are not in it."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import sqlite3
import statistics
import time
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = 6  # of the record and of each journal, for one document to one recipient
RECEIPT = 2500  # bytes of a receipt's parcel
_LOOP = "i = 0\nwhile i < 1_000_000:\n    i += 1\n"
BATCH = 50  # rows' documents in one transaction


def calibration() -> dict[str, float]:
    """What this machine is worth now: an empty loop of a million turns in ms, SHA-256 of 100 KB in µs."""
    block, loop = os.urandom(100_000), compile(_LOOP, "loop", "exec")
    return {
        "loop_ms": round(_median(lambda: exec(loop, {}), 5), 1),  # noqa: S102  as a script has it, on globals
        "sha256_us": round(_median(lambda: hashlib.sha256(block).digest(), 50) * 1000, 1),
    }


def floor(attachment: int, recipients: int) -> dict[str, float]:
    """CPU ms for each document with an attachment of so many bytes to `recipients`, by kind of work; ``all`` is their
    sum."""
    content = os.urandom(attachment)
    coded = base64.b64encode(content)
    packet = b"<a><b>" + b"<c>noi dung van ban</c>" * 60 + b"</b><d>" + coded + b"</d></a>"
    receipt = b"<a>" + b"<c>noi dung bien nhan</c>" * (RECEIPT // 25) + b"</a>"
    head = b"<a><b>" + b"<c>noi dung van ban</c>" * 60 + b"</b></a>"
    key = ec.generate_private_key(ec.SECP256R1())
    public, algorithm = key.public_key(), ec.ECDSA(hashes.SHA256())
    signed = key.sign(head, algorithm)
    parcel = _zip(head, content)
    parse_head, parse_receipt = _median(lambda: _parse(head)), _median(lambda: _parse(receipt))
    verify, sign = (
        _median(lambda: public.verify(signed, head, algorithm)),
        _median(lambda: key.sign(head, algorithm)),
    )
    hashed = _median(lambda: hashlib.sha256(parcel).digest())
    opened = _median(lambda: _unzip(parcel))
    with TemporaryDirectory(prefix="axis-floor-") as folder:
        insert = _insert(Path(folder), parcel)
        files = _median(lambda: _file(Path(folder), packet)) + _median(lambda: _file(Path(folder), parcel))
        small = _median(lambda: _file(Path(folder), receipt))
    each = recipients
    parts = {
        # convert at the sender; the hub and each recipient read the canonical document without its attachment
        "parse": _median(lambda: _parse(packet)) + parse_head * (1 + each) + parse_receipt * (1 + 2 * each) * 2,
        "base64": _median(lambda: base64.b64decode(coded)) + _median(lambda: base64.b64encode(content)) * each,
        "canonical": _median(lambda: etree.tostring(_parse(head), method="c14n", exclusive=True)),
        "zip": _median(lambda: _zip(head, content)) + opened * (1 + each),
        "hash": hashed * (2 + each),
        # the document and A.1 once, an E.1 for each; each verified by whoever gets it
        "sign": sign * (2 + each),
        "verify": verify * (1 + each) + verify * (1 + each) + verify * 2 * each,
        "rows": insert * (2 + each),
        "files": files * each + small * (1 + each),
    }
    found = {name: round(value, 3) for name, value in parts.items()}
    return found | {"all": round(sum(parts.values()), 3)}


def _median(work: Callable[[], object], times: int = 15) -> float:
    """Milliseconds of this thread's CPU."""
    taken = []
    for _ in range(times):
        begun = time.thread_time_ns()
        work()
        taken.append(time.thread_time_ns() - begun)
    return statistics.median(taken) / 1e6


def _parse(data: bytes) -> etree._Element:
    parser = etree.XMLPullParser(huge_tree=True)
    parser.feed(data)
    return parser.close()


def _zip(head: bytes, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in (("mimetype", b"a"), ("edxml.xml", head), ("1", content), ("signatures.xml", head)):
            archive.writestr(name, data)
    return buffer.getvalue()


def _unzip(data: bytes) -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [archive.read(name) for name in archive.namelist()]


def _file(folder: Path, data: bytes) -> None:
    (folder / "temporary").write_bytes(data)
    (folder / "temporary").rename(folder / "file")


def _insert(folder: Path, parcel: bytes) -> float:
    """CPU of the rows of one document with its bytes in one database, where `BATCH` documents share a transaction."""
    database = sqlite3.connect(folder / "floor.db", isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE fact (id TEXT PRIMARY KEY, document TEXT, value TEXT)")
    database.execute("CREATE TABLE bytes (id TEXT PRIMARY KEY, content BLOB)")
    count = [0]

    def batch() -> None:
        database.execute("BEGIN IMMEDIATE")
        rows = []
        for _ in range(BATCH * ROWS):
            count[0] += 1
            rows.append((f"{count[0]:064}", f"{count[0]:036}", "v" * 300))
        database.executemany("INSERT INTO fact VALUES (?, ?, ?)", rows)
        database.executemany("INSERT INTO bytes VALUES (?, ?)", [(row[0], parcel) for row in rows[:BATCH]])
        database.execute("COMMIT")

    taken = _median(batch, 5) / BATCH
    database.close()
    return taken

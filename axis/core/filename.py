"""Names of files made from what anybody wrote: whatever the text, a name that every system can keep, in the folder that
it is meant for, under which nothing is run by a click."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOM = 255  # bytes of UTF-8 that a name may have; the narrowest of ext4, XFS, NTFS and APFS
LEAST = 32  # bytes, so that an ending and a number always fit
_ENDING = 24  # bytes of an ending that is kept where a name is cut; a longer one is no ending
# What separates folders, drives and streams somewhere, or stands for other names.
_MARKS = re.compile(r'[/\\:*?"<>|\u2044\u2215\u29f5\u29f8\uff0f\uff3c\uff1a]')
# Control, format (bidi among them), surrogate, unassigned and private characters, and line ends.
_UNSEEN = {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}
_GAPS = re.compile(r"\s+")
_DEVICES = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|clock\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])", re.IGNORECASE)
# What a click runs, or what a folder is changed by. A page can run scripts, too.
_RUN = frozenset(
    """
    action ade adp apk app application appref-ms appx asp bas bat bin cgi chm class cmd com command cpl csh deb
    desktop diagcab dll dmg drv elf exe gadget hlp hta htm html inf ini ins iso isp jar jnlp js jse ksh library-ms
    lnk mad maf mam maq mar mas mat mau mav maw mda mdb mde mdt mdw mdz mht mhtml msc msh msi msix msp mst ocx ops
    osd out paf php pif pkg pl plg prf prg ps1 ps1xml ps2 psc1 psd1 psm1 py pyc pyw rb reg run scf scr sct search-ms
    settingcontent-ms sh shb shs svg sys theme url vb vbe vbp vbs vhd vhdx vxd webloc website ws wsc wsf wsh xbap
    xhtml xll xnk xpi xsl xslt
    """.split()  # noqa: SIM905
)


def safe_name(text: str, room: int = ROOM, fallback: str = "khong-ten", *, may_run: bool = False) -> str:
    """A name of at most `room` bytes (LEAST at the least) that says `text` as nearly as it can: in NFC, without what no
    system would keep, separators, what cannot be seen, a dash or dot in front, a blank or dot behind; no device of
    Windows. What a click would run gets a ``_`` behind its ending, unless it `may_run`. `fallback` where nothing is
    left."""
    name = "".join(map(_seen, unicodedata.normalize("NFC", text)))
    name = _trimmed(_MARKS.sub("_", name)) or fallback
    if _DEVICES.fullmatch(name.partition(".")[0].rstrip()):
        name = "_" + name
    name = _cut(name, max(room, LEAST) - 1)
    return name if may_run else _defused(name)


def apart(names: Iterable[str], taken: Iterable[str] = (), room: int = ROOM) -> list[str]:
    """These safe names, each another one than those before and those `taken`, also where a system makes no difference
    of case or of normal forms: ``a.pdf``, ``A (2).pdf``."""
    used, found = {same(one) for one in taken}, []
    for name in names:
        candidate, number = name, 1
        while same(candidate) in used:
            number += 1
            stem, ending = _parts(name)
            mark = f" ({number})"
            candidate = _head(stem, max(room, LEAST) - len(f"{mark}{ending}".encode())) + mark + ending
        used.add(same(candidate))
        found.append(candidate)
    return found


def ending_of(name: str) -> str:
    """``.pdf``; "" for a name without one."""
    ending = _parts(name)[1]
    return ending if ending.isascii() else ""


def same(name: str) -> str:
    """What is equal for two names that some system takes for one."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _seen(character: str) -> str:
    category = unicodedata.category(character)
    if category not in _UNSEEN:
        return character
    return " " if category in {"Cc", "Zl", "Zp"} else "" if category == "Cf" else "_"


def _trimmed(name: str) -> str:
    return _GAPS.sub(" ", name).lstrip(" .-~").rstrip(" .~")


def _defused(name: str) -> str:
    ending = unicodedata.normalize("NFKC", name).rpartition(".")[2].strip().casefold()
    return f"{name}_" if "." in name and ending in _RUN else name


def _parts(name: str) -> tuple[str, str]:
    stem, dot, ending = name.rpartition(".")
    return (stem, dot + ending) if stem and dot and len(ending.encode()) < _ENDING else (name, "")


def _cut(name: str, room: int) -> str:
    if len(name.encode()) <= room:
        return name
    stem, ending = _parts(name)
    return _head(stem, room - len(ending.encode())) + ending


def _head(stem: str, room: int) -> str:
    """The beginning of `stem` in at most `room` bytes: no half of a character, no letter without its marks."""
    head = stem.encode()[:room].decode("utf-8", "ignore")
    if len(head) < len(stem) and unicodedata.combining(stem[len(head)]):
        head = head.rstrip("".join({one for one in head if unicodedata.combining(one)}))[:-1]
    return head.rstrip(" .~") or "_"

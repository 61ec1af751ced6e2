"""TEMPORARY stand-in."""
from __future__ import annotations
import re

def normalise(organ_id: str) -> str:
    m = re.fullmatch(r"\d{3}\.\d{2}\.([A-Z0-9]{2})\.([A-Z]\d{2})", organ_id)
    if m:
        return m[2] if m[1] == "00" else f"{m[2]}.{m[1]}"
    if not re.fullmatch(r"[A-Z]\d{2}(\.[A-Z0-9]+)*", organ_id):
        raise ValueError(organ_id)
    return organ_id

def is_valid(organ_id: str) -> bool:
    try:
        normalise(organ_id)
    except ValueError:
        return False
    return True

def ancestors(code: str) -> list[str]:
    parts = code.split(".")
    return [".".join(parts[:n]) for n in range(len(parts), 0, -1)]

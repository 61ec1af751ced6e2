"""Writes the golden cases anew: ``python -m tests.golden --write``; without ``--write`` it says what differs."""

from __future__ import annotations

import sys

from tests.golden import record

if __name__ == "__main__":
    sys.exit(record.main(sys.argv[1:]))

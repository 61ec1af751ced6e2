"""What a client is told where something is not done: a code that it may know the meaning of, and a sentence."""

from __future__ import annotations

# Codes as a provincial gateway to the running axis gives them: clients may know their meaning.
INVALID_FILE, WRONG_SYSTEM, NO_RECEIVER, NO_SENDER, SYSTEM_ERROR, NOT_STANDARD = "10", "15", "18", "19", "20", "22"


class Refusal(Exception):
    """FAIL with a code and a sentence."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code

"""The indexes by which documents are found by number and by words of their subject; made by the database itself, for
what is there and for what comes. PostgreSQL has them on expressions; SQLite's words are a table of their own (FTS5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.core.words import CODE_FOLDED, CODE_LETTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa
    from sqlalchemy.engine import Connection

INDEXES = {"submission_folded_code", "submission_subject_words"}


def sqlite_code(column: str) -> str:
    """What SQLite is told to compare of a number/notation (:func:`axis.core.words.fold_code`)."""
    expression = f"upper({column})"
    for letter, folded in zip(CODE_LETTERS, CODE_FOLDED, strict=True):
        if not letter.isascii():
            expression = f"replace({expression}, '{letter}', '{folded}')"
    return expression


def postgresql_code(column: str) -> str:
    """What PostgreSQL is told to compare."""
    return f"translate({column}, '{CODE_LETTERS}', '{CODE_FOLDED}')"


# Statements are written without blanks that would differ: an index is used where a query has the very expression.
SQLITE_CODE = sqlite_code("code")
POSTGRESQL_CODE = postgresql_code("code")
# Marks of Vietnamese and the rest of their block; what normalises to itself without them stays.
_PLAIN = "regexp_replace(normalize(translate(lower(subject), 'đĐÐð', 'dddd'), NFD), '[\u0300-\u036f]', '', 'g')"
POSTGRESQL_WORDS = f"to_tsvector('simple', {_PLAIN})"
_BARRED = "replace(replace(replace(replace({0}, 'đ', 'd'), 'Đ', 'D'), 'Ð', 'D'), 'ð', 'd')"

_SQLITE = (
    f"CREATE INDEX submission_folded_code ON submission ({SQLITE_CODE})",
    "CREATE VIRTUAL TABLE submission_words USING fts5(axis_id UNINDEXED, words, "
    "tokenize = 'unicode61 remove_diacritics 2')",
    "CREATE TRIGGER submission_subject_words AFTER INSERT ON submission BEGIN "
    f"INSERT INTO submission_words (axis_id, words) VALUES (new.axis_id, {_BARRED.format('new.subject')}); END",
)
_POSTGRESQL = (
    f"CREATE INDEX submission_folded_code ON submission ({POSTGRESQL_CODE} text_pattern_ops)",
    f"CREATE INDEX submission_subject_words ON submission USING gin ({POSTGRESQL_WORDS})",
)
_FILL = f"INSERT INTO submission_words (axis_id, words) SELECT axis_id, {_BARRED.format('subject')} FROM submission"


def sqlite_match(words: Sequence[str]) -> str:
    """What SQLite is asked for these words (:func:`axis.core.words.words`): all of them, the last by its beginning."""
    return " ".join([*(f'"{word}"' for word in words[:-1]), f'"{words[-1]}"*'])


def postgresql_match(words: Sequence[str]) -> str:
    """The same for PostgreSQL."""
    return " & ".join([*words[:-1], f"{words[-1]}:*"])


def make(connection: Connection) -> None:
    """Make them, with what is there already. For a migration."""
    is_sqlite = connection.dialect.name == "sqlite"
    for statement in _SQLITE if is_sqlite else _POSTGRESQL:
        connection.exec_driver_sql(statement)
    if is_sqlite:
        connection.exec_driver_sql(_FILL)


def with_the_table(_table: sa.Table, connection: Connection, **_more: object) -> None:
    """:func:`make`, when SQLAlchemy has made the table."""
    make(connection)

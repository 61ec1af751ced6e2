"""The indexes by which documents are found by number and by words of their subject; made by the database itself, for
what is there and for what comes. PostgreSQL has them on expressions; SQLite's words are a table of their own (FTS5)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from axis.core.words import CODE_FOLDED, CODE_LETTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa
    from sqlalchemy.engine import Connection


def sqlite_code(column: str) -> str:
    """What SQLite is told to compare of a number/notation (:func:`axis.core.words.fold_code`)."""
    expression = f"upper({column})"
    for letter, folded in zip(CODE_LETTERS, CODE_FOLDED, strict=True):
        if not letter.isascii():
            expression = f"replace({expression}, '{letter}', '{folded}')"
    return expression


def _postgresql_code(column: str) -> str:
    return f"translate({column}, '{CODE_LETTERS}', '{CODE_FOLDED}')"


# Statements are written without blanks that would differ: an index is used where a query has the very expression.
SQLITE_CODE = sqlite_code("code")
POSTGRESQL_CODE = _postgresql_code("code")
# Of what was refused the DocumentId alone is kept: SENDER,YYYY/MM/DD,NUMBER.
_SQLITE_REFUSED = sqlite_code("substr(document_id, instr(document_id, ',') + 12)")
_POSTGRESQL_REFUSED = _postgresql_code("substr(document_id, strpos(document_id, ',') + 12)")
# Marks of Vietnamese and the rest of their block; what normalises to itself without them stays.
_PLAIN = "regexp_replace(normalize(translate(lower({0}.subject), 'đĐÐð', 'dddd'), NFD), '[\u0300-\u036f]', '', 'g')"
# With them stands when the submission was accepted, as the beginning of its id (five hours): what many have said is
# found in the last hours and days alone, the newest first.
_HOURS = 6
_BLOCKS = 15  # beginnings of ids that are asked for at once, at most
_SHORTEST = 4  # digits of one (seven weeks): the rows of a longer one are too many to be kept apart
_EACH = 3000  # milliseconds that a document stands for, where it is said how many are to be looked through
_MOMENT = re.compile(r"[0-9a-f]{1,8}(-[0-9a-f]{1,4})?")
_INDEXED = f"(to_tsvector('simple', {_PLAIN}) || array_to_tsvector(ARRAY['~' || substr({{0}}.axis_id, 1, {_HOURS})]))"
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
    f"CREATE INDEX submission_subject_words ON submission USING gin ({_INDEXED.format('submission')})",
)
_FILL = f"INSERT INTO submission_words (axis_id, words) SELECT axis_id, {_BARRED.format('subject')} FROM submission"


def refused_code(*, is_sqlite: bool) -> str:
    """The folded number of what was refused, as its index has it."""
    return _SQLITE_REFUSED if is_sqlite else _POSTGRESQL_REFUSED


def sqlite_match(words: Sequence[str]) -> str:
    """What SQLite is asked for these words (:func:`axis.core.words.words`): all of them, the last by its beginning."""
    return " ".join([*(f'"{word}"' for word in words[:-1]), f'"{words[-1]}"*'])


def postgresql_match(words: Sequence[str]) -> str:
    """The same for PostgreSQL."""
    return " & ".join([*words[:-1], f"{words[-1]}:*"])


def postgresql_has(table: str) -> str:
    """That a submission's row has the words of :func:`postgresql_match`; by no index: in this form it serves none."""
    return f"({_INDEXED.format(table)} @@ to_tsquery('simple', {{n}})) IS TRUE"


def postgresql_part(table: str, match: str, top: str, size: int) -> tuple[str, list[str], str]:
    """By the index: that a submission's row has the words of `match` and was accepted in a part of time in which the
    axis id `top` (or the end of such a part) ends; the values of that condition, and the beginning of the part, ""
    where it has none. The part is as long as `size` documents take that come one every three seconds, or some hours
    longer."""
    asked, long = f"{_INDEXED.format(table)} @@ ", size * _EACH
    moment = _MOMENT.match(top)
    digits = next((one for one in range(_HOURS, _SHORTEST - 1, -1) if long <= (_BLOCKS - 1) * 16 ** (12 - one)), 0)
    if not digits or moment is None:
        return f"{asked}to_tsquery('simple', {{n}})", [match], ""
    text = moment[0].replace("-", "").ljust(12, "0")
    last = int(text, 16) - (len(top) < len(text))  # a whole id: others of its millisecond come before it
    block = 16 ** (12 - digits)
    first = max(last - long, 0) // block
    parts = [f"{one:0{digits}x}" for one in range(first, last // block + 1)]
    times = " | ".join(f"'~{one}':*" for one in parts)
    return f"{asked}(to_tsquery('simple', {{n}}) && {{n}}::tsquery)", [match, times], parts[0]


def make(connection: Connection) -> None:
    """Make them, with what is there already. For a migration."""
    is_sqlite = connection.dialect.name == "sqlite"
    for statement in _SQLITE if is_sqlite else _POSTGRESQL:
        connection.exec_driver_sql(statement)
    if is_sqlite:
        connection.exec_driver_sql(_FILL)


def remake(connection: Connection) -> None:
    """Make PostgreSQL's index of words anew, as it is now. For a migration from when it knew no times."""
    connection.exec_driver_sql("DROP INDEX IF EXISTS submission_subject_words")
    connection.exec_driver_sql(_POSTGRESQL[1])


def make_refused(connection: Connection) -> None:
    """Make the index of the numbers of what was refused."""
    text = refused_code(is_sqlite=connection.dialect.name == "sqlite")
    connection.exec_driver_sql(f"CREATE INDEX refusal_folded_code ON refusal ({text})")


def with_the_refusals(_table: sa.Table, connection: Connection, **_more: object) -> None:
    """:func:`make_refused`, when SQLAlchemy has made the table."""
    make_refused(connection)


def with_the_table(_table: sa.Table, connection: Connection, **_more: object) -> None:
    """:func:`make`, when SQLAlchemy has made the table."""
    make(connection)

"""The index of a corpus: one SQLite file with the documents' text and FTS5 over it.

Owns the schema and every statement. All of it blocks, so callers run it in threads. A connection
is opened for each call, which makes every method safe in any thread; writers have to hold the
corpus's lock (`sync`), readers never wait for them (WAL).

A chunk's row id is `document << 32 | offset`, so that a document is a range of row ids, and a
page of it a smaller one.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from openswarm.core.errors import SettingsError, ToolError
from openswarm.tools.corpus.chunks import Chunk, Kind, chunks
from openswarm.tools.corpus.readers import Reading

SCHEMA_VERSION = 1
BUSY_S = 60.0
OPENING_CHARS = 1000

_TABLES = """
CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    kind TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    digest TEXT NOT NULL,
    unreadable TEXT NOT NULL
);
CREATE INDEX documents_by_name ON documents (name);
CREATE VIRTUAL TABLE chunks USING fts5 (
    heading, text, tokenize = 'porter unicode61 remove_diacritics 2'
);
INSERT INTO chunks (chunks, rank) VALUES ('rank', 'bm25(2.0, 1.0)');
CREATE VIRTUAL TABLE about USING fts5 (
    title, names, opening, tokenize = 'porter unicode61 remove_diacritics 2'
);
INSERT INTO about (about, rank) VALUES ('rank', 'bm25(10.0, 5.0, 1.0)');
"""
_OFFSET_BITS = 32
_DOCUMENT = "SELECT id, name, title, kind FROM documents WHERE unreadable = ''"


class State(NamedTuple):
    """What is known of a source: enough to see whether it has changed."""

    id: int
    name: str
    size: int
    mtime_ns: int
    digest: str
    unreadable: str


class Entry(NamedTuple):
    """What is to be known of a source from now on.

    It has a reading, or says why it is unreadable; with neither, its content is as it was.
    """

    source: str
    name: str
    size: int
    mtime_ns: int
    digest: str
    reading: Reading | None = None
    unreadable: str = ""


class Row(NamedTuple):
    """A document."""

    id: int
    name: str
    title: str
    kind: Kind


class Match(NamedTuple):
    """A chunk that a search found; a higher score is better."""

    document: Row
    chunk: Chunk
    score: float


class About(NamedTuple):
    """A document with the names that it gives to its subject."""

    document: Row
    names: tuple[str, ...]


class Index:
    """The index in one file. `prepare` comes first."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def prepare(self) -> None:
        """Makes the file usable: a new, an outdated or a damaged one is built from nothing."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._is_sound():
            return
        self._remove()
        with self._connected() as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")

    def states(self) -> dict[str, State]:
        """What is known of each source."""
        query = "SELECT source, id, name, size, mtime_ns, digest, unreadable FROM documents"
        with self._connected() as db:
            return {source: State(*rest) for source, *rest in db.execute(query)}

    def write(self, entries: Iterable[Entry]) -> None:
        """Adds or replaces sources, all or none."""
        with self._writing() as db:
            for entry in entries:
                if entry.reading or entry.unreadable:
                    _delete(db, [entry.source])
                    _insert(db, entry)
                else:
                    statement = "UPDATE documents SET size = ?, mtime_ns = ? WHERE source = ?"
                    db.execute(statement, (entry.size, entry.mtime_ns, entry.source))

    def drop(self, sources: Iterable[str]) -> None:
        """Forgets sources."""
        with self._writing() as db:
            _delete(db, sources)

    def count(self) -> int:
        """How many documents there are."""
        with self._connected() as db:
            query = "SELECT count(*) FROM documents WHERE unreadable = ''"
            return db.execute(query).fetchone()[0]

    def names(self, limit: int) -> list[str]:
        """The first names in order."""
        query = "SELECT name FROM documents WHERE unreadable = '' ORDER BY name LIMIT ?"
        with self._connected() as db:
            return [name for (name,) in db.execute(query, (limit,))]

    def document(self, name: str) -> Row | None:
        """The document of this very name."""
        with self._connected() as db:
            row = db.execute(f"{_DOCUMENT} AND name = ?", (name,)).fetchone()
        return Row(*row) if row else None

    def documents(self) -> list[Row]:
        """All documents, by name."""
        with self._connected() as db:
            return [Row(*row) for row in db.execute(f"{_DOCUMENT} ORDER BY name")]

    def search(self, expression: str, limit: int, document: Row | None = None) -> list[Match]:
        """The chunks that match an FTS5 expression best, in one document or in all."""
        query = (
            "SELECT d.id, d.name, d.title, d.kind, c.rowid, c.heading, c.text, -c.rank"
            " FROM (SELECT rowid, heading, text, rank FROM chunks WHERE chunks MATCH ?"
            "       AND rowid BETWEEN ? AND ? ORDER BY rank LIMIT ?) AS c"
            f" JOIN documents AS d ON d.id = c.rowid >> {_OFFSET_BITS} ORDER BY c.rank"
        )
        first, last = _range(document) if document else (0, (1 << 63) - 1)
        with self._connected() as db:
            rows = db.execute(query, (expression, first, last, limit)).fetchall()
        return [
            Match(Row(*row[:4]), Chunk(_offset(row[4]), row[5], row[6]), row[7]) for row in rows
        ]

    def about(self, expression: str, limit: int) -> list[About]:
        """The documents whose title, names or opening match an FTS5 expression best."""
        query = (
            "SELECT d.id, d.name, d.title, d.kind, a.names"
            " FROM (SELECT rowid, names, rank FROM about WHERE about MATCH ?"
            "       ORDER BY rank LIMIT ?) AS a"
            " JOIN documents AS d ON d.id = a.rowid ORDER BY a.rank"
        )
        with self._connected() as db:
            rows = db.execute(query, (expression, limit)).fetchall()
        return [About(Row(*row[:4]), tuple(row[4].split("\n"))) for row in rows]

    def chunks(self, document: Row, first: int = 0, end: int | None = None) -> list[Chunk]:
        """The chunks of a document that begin at byte `first` or later, and before `end`."""
        low, high = _range(document)
        high = high if end is None else low + end - 1
        query = "SELECT rowid, heading, text FROM chunks WHERE rowid BETWEEN ? AND ? ORDER BY rowid"
        with self._connected() as db:
            rows = db.execute(query, (low + first, high)).fetchall()
        return [Chunk(_offset(rowid), heading, text) for rowid, heading, text in rows]

    def last_offset(self, document: Row) -> int:
        """Where the last chunk of a document begins."""
        query = "SELECT rowid FROM chunks WHERE rowid BETWEEN ? AND ? ORDER BY rowid DESC LIMIT 1"
        with self._connected() as db:
            row = db.execute(query, _range(document)).fetchone()
        return _offset(row[0]) if row else 0

    def _is_sound(self) -> bool:
        if not self.path.exists():
            return False
        try:
            with closing(sqlite3.connect(self.path, timeout=BUSY_S)) as db:
                if db.execute("PRAGMA user_version").fetchone() != (SCHEMA_VERSION,):
                    return False
                return db.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
        except sqlite3.OperationalError as error:
            raise self._unusable(error) from None
        except sqlite3.DatabaseError:
            return False

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def _unusable(self, error: Exception) -> SettingsError:
        return SettingsError(
            f"cannot use {self.path.parent}: {error}; make room or give access there, or let"
            " OPENSWARM_HOME name another folder"
        )

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None)) as db:
                db.execute("PRAGMA synchronous = NORMAL")
                yield db
        except sqlite3.OperationalError as error:
            raise self._unusable(error) from None
        except sqlite3.DatabaseError as error:
            self._remove()
            raise ToolError(
                f"the index of the corpus was damaged ({error}) and has been removed; it is built"
                " again when the task is started or resumed"
            ) from None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._connected() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")


def _insert(db: sqlite3.Connection, entry: Entry) -> None:
    reading = entry.reading
    title, kind = (reading.title, reading.kind) if reading else ("", "prose")
    state = (entry.source, entry.name, title, kind, entry.size, entry.mtime_ns, entry.digest)
    id_ = db.execute(
        "INSERT INTO documents (source, name, title, kind, size, mtime_ns, digest, unreadable)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*state, entry.unreadable),
    ).lastrowid
    if reading is None or id_ is None:
        return
    db.execute(
        "INSERT INTO about (rowid, title, names, opening) VALUES (?, ?, ?, ?)",
        (id_, title, "\n".join((entry.name, *reading.names)), reading.text[:OPENING_CHARS]),
    )
    db.executemany(
        "INSERT INTO chunks (rowid, heading, text) VALUES (?, ?, ?)",
        (
            (id_ << _OFFSET_BITS | chunk.offset, _heading(title, chunk.heading), chunk.text)
            for chunk in chunks(reading.text, reading.kind)
        ),
    )


def _heading(title: str, heading: str) -> str:
    return heading if heading.startswith(title) else f"{title} > {heading}" if heading else title


def _delete(db: sqlite3.Connection, sources: Iterable[str]) -> None:
    for source in sources:
        row = db.execute("SELECT id FROM documents WHERE source = ?", (source,)).fetchone()
        if row:
            first, last = row[0] << _OFFSET_BITS, (row[0] + 1 << _OFFSET_BITS) - 1
            db.execute("DELETE FROM chunks WHERE rowid BETWEEN ? AND ?", (first, last))
            db.execute("DELETE FROM about WHERE rowid = ?", row)
            db.execute("DELETE FROM documents WHERE id = ?", row)


def _range(document: Row) -> tuple[int, int]:
    return document.id << _OFFSET_BITS, (document.id + 1 << _OFFSET_BITS) - 1


def _offset(rowid: int) -> int:
    return rowid & (1 << _OFFSET_BITS) - 1

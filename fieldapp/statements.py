"""Statements that are built once, as the driver takes them.

SQLAlchemy compiles a statement once, but at every execution asks anew what belongs to it: of some twenty microseconds
for a small one the driver and the database take seven, and every look at a column of its rows costs another one. Here
a statement that comes a second time, the very same object, is put into the driver's words for good: its SQL, what
becomes of each value on the way in, and of each column on the way out. Rows are named tuples then. Transactions,
connections and errors stay SQLAlchemy's.

What is built anew each time goes SQLAlchemy's own way. What asks for a list is put into words for each of its lengths.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
import sqlalchemy as sa
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Insert, UpdateBase

Values = dict[str, Any]
_Change = Callable[[Any], Any]


class Outcome:
    """What an executed statement gave: as much of SQLAlchemy's result as a write wants to know."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: Sequence[Any], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount

    def all(self) -> Sequence[Any]:
        return self._rows

    def first(self) -> Any:
        return self._rows[0] if self._rows else None

    def scalar(self) -> Any:
        return self._rows[0][0] if self._rows else None


class _Later:
    """The outcome of a write that waits for others, see db.together: nobody may ask for it."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"asked for the {name} of a statement that has not been carried out yet")


LATER: Any = _Later()


class _Spoken:
    """One statement in the driver's words, for values of these names and lists of these lengths."""

    def __init__(self, compiled: SQLCompiler, values: Values) -> None:
        self._compiled = compiled
        self._sql = str(compiled)
        order: Sequence[str] | None = compiled.positiontup
        processors: Mapping[str, Any] = compiled._bind_processors
        spread: Mapping[str, list[str]] = {}
        if compiled.post_compile_params or compiled.literal_execute_params:
            state = compiled.construct_expanded_state(values)
            self._sql, order, spread = state.statement, state.positiontup, state.parameter_expansion
            processors = {**processors, **state.processors}
        self._fixed: dict[str, Any] = {}  # what the statement itself says, as the driver takes it
        self._made: list[tuple[str, Callable[[], Any], _Change | None]] = []  # a column's default
        self._asked: list[tuple[str, str, _Change | None]] = []  # (place, name among the values, change)
        self._lists: list[tuple[list[str], str, _Change | None]] = []  # the same with a place for each member
        self._read: Callable[[list[Any]], Sequence[Any]] | None = None
        self._gives_rows = bool(compiled._result_columns)
        self._of_rows: dict[int, str] = {}  # with so many rows behind VALUES
        defaults = _defaults(compiled)
        expanding, literal = compiled.post_compile_params, compiled.literal_execute_params
        # One name may stand in many places, each a parameter of its own: its value is changed once.
        for place, parameter in {place: one for one, place in compiled.bind_names.items()}.items():
            change = processors.get(place)
            default = defaults.get(parameter.key)
            if parameter in literal:
                continue  # stands in the SQL by now
            if parameter in expanding:
                places = spread.get(place, [])
                change = processors.get(places[0]) if places else None
                if parameter.required:
                    self._lists.append((places, parameter.key, change))
                else:  # a list that the statement itself has
                    own: Any = parameter.effective_value
                    self._fixed.update(zip(places, map(change, own) if change else own, strict=True))
            elif default is not None and default.is_callable:
                self._made.append((place, _maker(default), change))
            elif default is not None or not parameter.required:
                value = parameter.effective_value if default is None else default.arg
                self._fixed[place] = change(value) if change else value
            else:
                self._asked.append((place, parameter.key, change))
        self._kept = {}  # told to the driver
        self._planned_once = False
        if not compiled.positional:
            self._sql, order = _numbered(self._sql, self._fixed)
            self._kept = {"prepare": not compiled.execution_options.get(VALUES_DECIDE)}
            self._planned_once = bool(compiled.execution_options.get(PLANNED_ONCE))
        self._order: Sequence[str] = order or ()
        # What is the same each time, in its places already, and the places of what is not.
        self._standing = [self._fixed.get(place) for place in self._order]
        self._places: dict[str, list[int]] = {}
        for at, place in enumerate(self._order):
            self._places.setdefault(place, []).append(at)
        self._single = [
            (self._places[place][0], name, change)
            for place, name, change in self._asked
            if len(self._places[place]) == 1
        ]
        self._repeated = [one for one in self._asked if len(self._places[one[0]]) > 1]
        self._parts = _around_the_row(self._sql) if compiled.isinsert else None
        # SQLite's driver is quick with rows one by one, but gives nothing back for them.
        self._one_by_one = self._parts is None or (compiled.positional and not compiled.effective_returning)

    def bound(self, values: Values) -> list[Any]:
        """The values as the driver takes them."""
        said, places_of = self._standing.copy(), self._places
        for at, name, change in self._single:
            said[at] = values[name] if change is None else change(values[name])
        for place, name, change in self._repeated:
            value = values[name] if change is None else change(values[name])
            for at in places_of[place]:
                said[at] = value
        for places, name, change in self._lists:
            for place, one in zip(places, values[name], strict=True):
                value = one if change is None else change(one)
                for at in places_of[place]:
                    said[at] = value
        for place, make, change in self._made:
            value = make() if change is None else change(make())
            for at in places_of[place]:
                said[at] = value
        return said

    def _bound_rows(self, rows: Sequence[Values]) -> list[tuple[Any, ...]]:
        """The same for many at once, a column at a time: what all of them share is changed once."""
        count = len(rows)
        said = {place: [value] * count for place, value in self._fixed.items()}
        for place, name, change in self._asked:
            column = [row[name] for row in rows]
            if change is not None:
                first = column[0]
                shared = all(value is first for value in column)
                column = [change(first)] * count if shared else [*map(change, column)]
            said[place] = column
        for place, make, change in self._made:
            said[place] = [make() if change is None else change(make()) for _row in rows]
        return [*zip(*(said[place] for place in self._order), strict=True)]

    def _in_one(self, rows: int) -> str:
        """The INSERT with so many rows behind VALUES. Told one by one, each costs PostgreSQL's driver as much."""
        text = self._of_rows.get(rows)
        if text is None:
            assert self._parts is not None
            before, row, after = self._parts
            width = row.count("$")
            written = (_moved_on(row, at * width) for at in range(rows))
            text = self._of_rows[rows] = f"{before}{', '.join(written)}{after}"
        return text

    def execute(self, connection: sa.Connection, values: Values | Sequence[Values]) -> Outcome:
        cursor = _cursor(connection)
        said: Any = None
        try:
            if isinstance(values, dict):
                said = self.bound(values)
                if self._planned_once:
                    cursor.execute(_PLAN_ONCE)
                cursor.execute(self._sql, said, **self._kept)
            elif not self._one_by_one and len(values) <= MOST_ROWS:
                said = [*chain.from_iterable(self._bound_rows(values))]
                cursor.execute(self._in_one(len(values)), said, **self._kept)
            else:
                said = self._bound_rows(values)
                cursor.executemany(self._sql, said)
            rows = cursor.fetchall() if self._gives_rows else ()
            count = cursor.rowcount
            # Asked once: psycopg makes an object of every column each time.
            told = cursor.description if rows and self._read is None else ()
            if self._planned_once:
                cursor.execute(_AS_EVER)
        except Exception as error:
            connection.info.pop("cursor", None)
            if self._planned_once:
                with suppress(Exception):  # in a transaction that failed it ends with that
                    cursor.execute(_AS_EVER)
            connection._handle_dbapi_exception(
                error, self._sql, said, cursor, None
            )  # raises SQLAlchemy's own
        if rows:
            if self._read is None:
                self._read = self._reader(connection.dialect, told)
            rows = self._read(rows)
        return Outcome(rows, count)

    def piece(self, values: Values | Sequence[Values]) -> tuple[tuple[_Spoken, int], str, list[Any]] | None:
        """What makes the text, the text and its values, for a statement of several (see execute_all); None where this
        must be told by itself."""
        if self._gives_rows or self._planned_once or not self._kept.get("prepare"):
            return None
        if isinstance(values, dict):
            return (self, 1), self._sql, self.bound(values)
        if self._one_by_one or len(values) > MOST_ROWS:
            return None
        return (
            (self, len(values)),
            self._in_one(len(values)),
            [*chain.from_iterable(self._bound_rows(values))],
        )

    def _reader(
        self, dialect: sa.Dialect, description: Sequence[Any]
    ) -> Callable[[list[Any]], Sequence[Any]]:
        columns = self._compiled._result_columns
        row = namedtuple("row", [column.keyname for column in columns], rename=True)  # type: ignore[misc]
        changes = [
            (at, change)
            for at, (column, told) in enumerate(zip(columns, description, strict=True))
            if (change := column.type._cached_result_processor(dialect, told[1])) is not None
        ]
        if not changes:
            return lambda rows: [*map(row._make, rows)]

        def read(rows: list[Any]) -> Sequence[Any]:
            found = []
            for one in rows:
                cells = list(one)
                for at, change in changes:
                    cells[at] = change(cells[at])
                found.append(row._make(cells))
            return found

        return read


def _moved_on(sql: str, by: int) -> str:
    """The same with places that are numbered on from there."""
    return re.sub(r"\$(\d+)", lambda place: f"${int(place[1]) + by}", sql)


def _defaults(compiled: SQLCompiler) -> dict[str, Any]:
    """What the columns that nobody named are to hold."""
    return {
        column.key: (column.default if compiled.isinsert else column.onupdate)
        for column in (*compiled.insert_prefetch, *compiled.update_prefetch)
    }


def _maker(default: Any) -> Callable[[], Any]:
    return lambda: default.arg(None)  # SQLAlchemy gives every function of a default a place for its context


def _numbered(text: str, fixed: dict[str, Any]) -> tuple[str, list[str]]:
    """SQL with the places that PostgreSQL itself knows ($1), and their names in order. The driver would look for its
    own kind of places in a long statement at every execution.

    What the statement itself says, states and numbers, is written out and leaves `fixed`: planned once for all values,
    a statement should not be planned for all states there could be.
    """
    names: dict[str, int] = {}

    def place(found: re.Match[str]) -> str:
        value = fixed.get(found[1])
        if type(value) is int or (isinstance(value, str) and _PLAIN.fullmatch(value)):
            return f"{value}" if type(value) is int else f"'{value}'"
        return f"${names.setdefault(found[1], len(names) + 1)}"

    numbered = re.sub(r"%\((\w+)\)s", place, text)
    for name in [*fixed]:
        if name not in names:
            del fixed[name]
    return numbered.replace("%%", "%"), list(names)


_PLAIN = re.compile(r"\w*", re.ASCII)


def _around_the_row(sql: str) -> tuple[str, str, str] | None:
    """An INSERT in three: up to VALUES, the row of places, and what follows; None where that has places too."""
    before, values, rest = sql.partition(" VALUES ")
    found = re.match(r"\([^()]*\)", rest)
    if not found or "$" in (after := rest[found.end() :]) or "?" in after:
        return None
    return before + values, found[0], after


def _cursor(connection: sa.Connection) -> Any:
    """One cursor for each connection of the pool: a new one costs PostgreSQL's driver as much as a short statement."""
    cursor = connection.info.get("cursor")
    if cursor is None:
        driver = connection.connection.dbapi_connection
        cursor = psycopg.RawCursor(driver) if isinstance(driver, psycopg.Connection) else driver.cursor()  # type: ignore[union-attr]
        connection.info["cursor"] = cursor
    return cursor


# Execution option of a statement that PostgreSQL plans anew for each execution's values, where some find a row and
# others find half of them. All else that is built once is soon planned once.
VALUES_DECIDE = "values_decide"
# Of one that PostgreSQL plans once for all values: a long one of which every part is found the same way whatever is
# asked for, and whose plan takes longer to make than to carry out. By itself PostgreSQL would make one each time for as
# long as that seems cheaper to it.
PLANNED_ONCE = "planned_once"
_PLAN_ONCE, _AS_EVER = "SET plan_cache_mode = force_generic_plan", "RESET plan_cache_mode"
MOST_FORMS = 100  # of one statement
MOST_ROWS = 24  # that are told in one INSERT


class _Forms:
    """A statement by (dialect, names of its values, lengths of its lists); None where SQLAlchemy has to do it."""

    def __init__(self) -> None:
        self._lists: tuple[str, ...] | None = (
            None  # names of the values that are lists; None: nobody has looked yet
        )
        self._known: dict[tuple[Any, ...], _Spoken | None] = {}

    def of(self, statement: Any, dialect: sa.Dialect, values: Any) -> _Spoken | None:
        many = not isinstance(values, dict)
        first: Values = values[0] if many else values
        lengths = [len(first[name]) for name in self._lists] if self._lists else ()
        try:
            return self._known[(dialect.name, many, *first, *lengths)]
        except KeyError:
            return self._learn(statement, dialect, first, many)

    def _learn(self, statement: Any, dialect: sa.Dialect, values: Values, many: bool) -> _Spoken | None:
        if isinstance(statement, Insert) and not statement._returning:
            statement = statement.inline()  # nobody asks for the number that the database gave
        keys = sorted(values) if isinstance(statement, UpdateBase) else None
        compiled = statement.compile(dialect=dialect, column_keys=keys)
        lists = compiled.post_compile_params
        self._lists = tuple(sorted(parameter.key for parameter in lists if parameter.required))
        spoken = None
        if (
            not compiled.escaped_bind_names
            and not any(parameter.required for parameter in compiled.literal_execute_params)
            and not (many and lists)
            and not any(isinstance(one, tuple) for name in self._lists for one in values[name])
            and all(parameter.required or parameter.effective_value for parameter in lists)
            and all(default.is_scalar or default.is_callable for default in _defaults(compiled).values())
        ):
            spoken = _Spoken(compiled, values)
        if len(self._known) >= MOST_FORMS:
            self._known.clear()
        self._known[(dialect.name, many, *values, *(len(values[name]) for name in self._lists))] = spoken
        return spoken


_known: WeakKeyDictionary[sa.Executable, _Forms] = WeakKeyDictionary()


def execute(connection: sa.Connection, statement: Any, values: Any) -> Any:
    """An Outcome, or SQLAlchemy's own result, of the statement in this connection's transaction."""
    values = _one_or_many(values)
    spoken = _spoken(connection, statement, values)
    if spoken is None:
        return connection.execute(statement, values)
    return spoken.execute(connection, values)


def _one_or_many(values: Any) -> Any:
    return values[0] if not isinstance(values, dict) and len(values) == 1 else values


def _spoken(connection: sa.Connection, statement: Any, values: Any) -> _Spoken | None:
    if connection._has_events or connection.engine._has_events:  # somebody wants to be told what is executed
        return None
    forms = _known.get(statement)
    if forms is None:
        _known[statement] = _Forms()
        return None
    return forms.of(statement, connection.dialect, values)


# Texts of several statements in one, by what they are made of; and how often each was told, by what was empty in it
# too: to PostgreSQL that is another type, and another statement to keep. One that comes seldom must push none out.
_several: dict[tuple[tuple[_Spoken, int], ...], str] = {}
_told: dict[tuple[Any, ...], int] = {}
OFTEN = 5  # times, from which on it is kept parsed and planned
MOST_TOLD = 2000


def execute_all(connection: sa.Connection, writes: Sequence[tuple[Any, Any]]) -> None:
    """Carry out writes whose outcome nobody asks for, in their order.

    PostgreSQL gets them as one, the last one WITH the others: its driver takes longest over a round trip. There they
    see nothing of each other and have no order, but for what they refer to: foreign keys are looked at when
    all is done. No two of them may change one row.
    """
    pieces = []
    if connection.dialect.name == "postgresql" and len(writes) > 1:
        for statement, values in writes:
            values = _one_or_many(values)
            spoken = _spoken(connection, statement, values)
            pieces.append(None if spoken is None else spoken.piece(values))
    told = [piece for piece in pieces if piece is not None]
    if len(told) < max(len(pieces), 2):
        for statement, values in writes:
            execute(connection, statement, values)
        return
    made_of = tuple(what for what, _sql, _said in told)
    text = _several.get(made_of)
    if text is None:
        if len(_several) >= MOST_FORMS:
            _several.clear()
        text = _several[made_of] = _in_a_row([(sql, len(said)) for _what, sql, said in told])
    said = [*chain.from_iterable(said for _what, _sql, said in told)]
    shape = (made_of, *[value is None for value in said])
    if len(_told) >= MOST_TOLD:
        _told.clear()
    _told[shape] = times = _told.get(shape, 0) + 1
    cursor = _cursor(connection)
    try:
        cursor.execute(text, said, prepare=times >= OFTEN)
    except Exception as error:
        connection.info.pop("cursor", None)
        connection._handle_dbapi_exception(error, text, said, cursor, None)  # raises SQLAlchemy's own


def _in_a_row(parts: Sequence[tuple[str, int]]) -> str:
    """One statement of several, each with so many values."""
    texts, count = [], 0
    for sql, places in parts:
        texts.append(_moved_on(sql, count))
        count += places
    named = ", ".join(f"part_{at} AS ({sql})" for at, sql in enumerate(texts[:-1]))
    return f"WITH {named} {texts[-1]}"

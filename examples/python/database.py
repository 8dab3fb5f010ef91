"""Pools of connections, and one way to run a statement.

A connection is taken when a request has been read and given back before its
answer is written: a client that hangs holds none.
"""

import math
import random
import time

import psycopg
import psycopg_pool
from psycopg import errors
from psycopg.rows import dict_row
from psycopg.types.string import TextLoader

TRIES = 3
TRY_AGAIN = (errors.SerializationFailure, errors.DeadlockDetected)

# What the caller may know of an error, by its SQLSTATE.  A message is only
# handed on where it speaks of the caller's own arguments.
LATER = (503, "try again later")
ANSWERS = {
    "22023": (400, None),  # a value that the function refuses
    "22004": (400, None),  # a null that it refuses
    "42704": (404, None),  # no such bandit, arm or kind
    "23503": (404, "no such item"),  # foreign key of ratings
    "42501": (403, "forbidden"),
    "57014": LATER,  # statement_timeout
    "40001": LATER,  # serialization failure
    "40P01": LATER,  # deadlock
}


class Unavailable(Exception):
    """The database could not be reached, or went away."""


def make_pool(size, statement_timeout, options="", **connection):
    """A pool, not yet open; statement_timeout is in milliseconds."""

    def configure(conn):
        # bigint as text: JSON numbers would lose digits
        conn.adapters.register_loader("int8", TextLoader)

    return psycopg_pool.ConnectionPool(
        min_size=1,
        max_size=size,
        timeout=2,  # seconds to wait for one from the pool
        max_idle=30,
        open=False,
        configure=configure,
        kwargs={
            "autocommit": True,
            "row_factory": dict_row,
            "application_name": "bandit-example",
            "connect_timeout": 2,
            # a server that is not heard of any more is given up
            "tcp_user_timeout": statement_timeout + 2000,
            "options": f"-c statement_timeout={statement_timeout} {options}",
            **connection,
        },
    )


def _run_once(pool, text, values):
    try:
        with pool.connection() as conn:
            try:
                cursor = conn.execute(text, values)
                return cursor.fetchall() if cursor.description else []
            except psycopg.Error as error:
                if conn.broken:
                    raise Unavailable(str(error)) from error
                raise
    except psycopg_pool.PoolTimeout as error:
        raise Unavailable(str(error)) from error


def query(pool, text, values):
    """Runs one statement, a transaction of its own; returns its rows.

    One that lost against others has left nothing behind, and is tried again.
    """
    for attempt in range(1, TRIES + 1):
        try:
            return [_plain(row) for row in _run_once(pool, text, values)]
        except TRY_AGAIN:
            if attempt == TRIES:
                raise
            time.sleep(random.uniform(0, 0.05 * attempt))
        except Unavailable:
            # after a restart of the server the others are lost too
            pool.check()
            raise


def _plain(row):
    """JSON has neither NaN nor infinity."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }


def answer_for(error):
    """The status and message for an error of query()."""
    if isinstance(error, Unavailable):
        return LATER
    status, message = ANSWERS.get(error.sqlstate, (500, "internal error"))
    if message is None:
        message = error.diag.message_primary
    return status, message

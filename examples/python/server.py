"""bandit over HTTP.  What a real application does besides says ../README.md."""

import hashlib
import hmac
import json
import logging
import os
import re
import signal
import sys

import psycopg
import waitress
from flask import Flask, request
from werkzeug.exceptions import HTTPException

from database import Unavailable, answer_for, make_pool, query

HOST = os.environ.get("HOST", "127.0.0.1")
PORT = int(os.environ.get("PORT", "8080"))
BANDIT = os.environ.get("BANDIT", "movies")
POOL_SIZE = int(os.environ.get("POOL_SIZE", "10"))
MAX_BODY = 10000
STATS_TOKEN = os.environ.get("STATS_TOKEN", "")
STATS_ROLE = {"user": os.environ.get("STATS_PGUSER", "example_stats")}
if "STATS_PGPASSWORD" in os.environ:
    STATS_ROLE["password"] = os.environ["STATS_PGPASSWORD"]

# Serving and telling: the role of PGUSER, which reads no statistics.
web = make_pool(POOL_SIZE, 3000)
# Statistics: connections of another role, which may only read.
stats = make_pool(2, 10000, "-c default_transaction_read_only=on", **STATS_ROLE)

app = Flask(__name__)
log = logging.getLogger("example")


class BadRequest(Exception):
    def __init__(self, status, message, headers=None):
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers or {}


# ------------------------------------------------------------------ validation


def bigint(value, name):
    """A bigint.  JSON numbers are taken where JavaScript too would be exact."""
    if type(value) is int and abs(value) < 2**53:
        return value
    if isinstance(value, str) and re.fullmatch("-?[0-9]{1,19}", value):
        if -(2**63) <= int(value) < 2**63:
            return int(value)
    raise BadRequest(400, f"{name} must be an integer, as a string")


def small_number(text, name):
    """Whether it makes sense is for the database to say; this keeps it small."""
    if not re.fullmatch("[0-9]{1,2}", text):
        raise BadRequest(400, f"{name} must be from 1 to 99")
    return int(text)


def rating(value):
    if type(value) not in (int, float) or not 0.5 <= value <= 5:
        raise BadRequest(400, "rating must be a number from 0.5 to 5")
    return value


def user():
    """Who asks.  Here it is what the client says; see ../README.md."""
    return bigint(request.headers.get("X-User-Id"), "header X-User-Id")


def body():
    if request.mimetype != "application/json":
        raise BadRequest(415, "the body must be application/json")
    # waitress has read it whole, and says how long it is
    if (request.content_length or 0) > MAX_BODY:
        raise BadRequest(413, "the body is too large")
    try:
        found = json.loads(request.get_data())
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadRequest(400, "the body must be a JSON object")
    return found


def digest(text):
    return hashlib.sha256(text.encode()).digest()


def require_token():
    if not STATS_TOKEN:
        raise BadRequest(404, "not found")
    given = re.fullmatch("(?i:bearer) (.+)", request.headers.get("Authorization", ""))
    if not given or not hmac.compare_digest(digest(given[1]), digest(STATS_TOKEN)):
        raise BadRequest(401, "a bearer token is needed", {"WWW-Authenticate": "Bearer"})


# Flask's own: HEAD would make a list that nobody sees, and silence of it.
NOT_SERVED = {"HEAD", "OPTIONS"}


def allowed(methods):
    return ",".join(sorted(set(methods) - NOT_SERVED))


@app.before_request
def only_what_is_asked_for():
    if request.url_rule and request.method in NOT_SERVED:
        headers = {"Allow": allowed(request.url_rule.methods)}
        raise BadRequest(405, "method not allowed", headers)


# ------------------------------------------------------------------- endpoints
# One SQL call each.  Values are parameters, never part of the statement.


@app.get("/recommendations")
def recommendations():
    n = small_number(request.args.get("n", "20"), "n")
    rows = query(
        web,
        """SELECT r.position, r.item_id, m.title, r.arm, r.score, r.variant,
            r.decision_id::text
        FROM bandit.recommend(%s, %s::bigint, %s::int) r
        LEFT JOIN app.movies m ON m.movie_id = r.item_id
        ORDER BY r.position""",
        (BANDIT, user(), n),
    )
    first = rows[0] if rows else {}
    shown = ("position", "item_id", "title", "arm", "score")
    return {
        "decision_id": first.get("decision_id"),
        "variant": first.get("variant"),
        "items": [{name: row[name] for name in shown} for row in rows],
    }


def feedback(kind):
    who = user()
    item = bigint(body().get("item_id"), "item_id")
    return query(
        web,
        "SELECT bandit.feedback(%s, %s::bigint, %s::bigint, %s) AS learnt",
        (BANDIT, who, item, kind),
    )[0]


@app.post("/track/click")
def click():
    return feedback("click")


@app.post("/track/thumbs-up")
def thumbs_up():
    return feedback("thumbs_up")


@app.post("/track/thumbs-down")
def thumbs_down():
    return feedback("thumbs_down")


@app.post("/track/rating")
def rate():
    """A rating is the application's own data; bandit watches the table."""
    who, told = user(), body()
    query(
        web,
        """INSERT INTO app.ratings (user_id, movie_id, rating) VALUES (%s, %s, %s)
        ON CONFLICT (user_id, movie_id) DO UPDATE
            SET rating = excluded.rating, rated_at = excluded.rated_at""",
        (who, bigint(told.get("item_id"), "item_id"), rating(told.get("rating"))),
    )
    return {"stored": True}


@app.get("/bandit/stats")
def bandit_stats():
    require_token()
    return {
        "arms": query(
            stats,
            """SELECT arm, enabled, pulls, successes, failures, mean, lower, upper,
                share
            FROM bandit.arm_stats WHERE bandit = %s""",
            (BANDIT,),
        )
    }


@app.get("/performance")
def performance():
    require_token()
    days = small_number(request.args.get("days", "7"), "days")
    return {
        "metrics": query(
            stats,
            """SELECT metric, value, lower, upper, threshold, sample, status,
                severity, message
            FROM bandit.health(%s, make_interval(days => %s::int))""",
            (BANDIT, days),
        )
    }


# ---------------------------------------------------------------------- errors


@app.errorhandler(BadRequest)
def bad_request(error):
    return {"error": error.message}, error.status, error.headers


@app.errorhandler(HTTPException)
def http_error(error):
    methods = getattr(error, "valid_methods", None)
    headers = {"Allow": allowed(methods)} if methods else {}
    return {"error": error.name.lower()}, error.code, headers


@app.errorhandler(psycopg.Error)
@app.errorhandler(Unavailable)
def database_error(error):
    status, message = answer_for(error)
    if status >= 500:
        log.error("%s %s: %r", request.method, request.path, error)
    return {"error": message}, status, {"Retry-After": "1"} if status == 503 else {}


@app.errorhandler(Exception)
def any_error(error):
    log.exception("%s %s", request.method, request.path, exc_info=error)
    return {"error": "internal error"}, 500


@app.after_request
def never_stored(response):
    response.headers["Cache-Control"] = "no-store"
    return response


# ---------------------------------------------------------------------- server


def main():
    logging.basicConfig(level=logging.WARNING)
    web.open()
    stats.open()
    # Its one loop reads requests whole before a thread sees them, so that slow
    # clients hold neither threads nor connections of the database.
    server = waitress.create_server(
        app,
        host=HOST,
        port=PORT,
        threads=POOL_SIZE,
        ident=None,
        max_request_body_size=100000,
        channel_timeout=10,  # seconds without a byte
        cleanup_interval=5,
        connection_limit=1000,
        asyncore_use_poll=True,
    )
    print(f"listening on http://{server.effective_host}:{server.effective_port}", flush=True)
    # SystemExit ends the loop; the requests that are there are answered
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server.run()
    server.close()
    web.close()
    stats.close()


main()

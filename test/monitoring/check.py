"""monitoring/ against the real exporter and a real Prometheus, as TAP.

check.py ROOT PROGRAMS WORK: the checkout, the directory of the programs, and one
for Prometheus's data.  PG* leads to a database with fixture.sql.
"""

import json
import math
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import yaml

ROOT, PROGRAMS, WORK = sys.argv[1:4]
ODD = 'the "odd" \\ one’s'
PATIENCE = 120  # seconds after which something does not come any more
number = failed = 0
running = []


def ok(good, name, *details):
    global number, failed
    number += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {number} - {name}", flush=True)
    if not good:
        for detail in details:
            for line in str(detail).splitlines():
                print(f"#   {line}", flush=True)
    return good


def psql(statement):
    return subprocess.run(
        ["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-c", statement],
        check=True, capture_output=True, text=True, timeout=60).stdout


def start(name, *arguments, **environment):
    """A program that dies with this one; its log is WORK/NAME.log."""
    log = open(f"{WORK}/{name}.log", "w")
    running.append(subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", f"{PROGRAMS}/{name}", *arguments],
        stdout=log, stderr=log, stdin=subprocess.DEVNULL, env={**os.environ, **environment}))
    return running[-1]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def fetch(url):
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            return response.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()


def until(what, ask):
    """The first true answer; None when it does not come."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for process in running:
            if process.poll() is not None:
                print(f"# {process.args[3]} ended while waiting for {what}")
                return None
        try:
            answer = ask()
            if answer:
                return answer
        except (OSError, ValueError):
            pass
        time.sleep(0.05)
    print(f"# {what} did not come")
    return None


# ------------------------------------------------------------------- exporter

SAMPLE = re.compile(r'^(\w+)\{(.*)\} (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def samples(text):
    """{(series, bandit, arm): value} and the labels' names, of what is exported."""
    found, labels = {}, set()
    for line in text.splitlines():
        match = SAMPLE.match(line)
        if match and match[1].startswith("bandit_"):
            given = {k: re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], v)
                     for k, v in LABEL.findall(match[2])}
            labels.add((match[1], tuple(sorted(given))))
            found[match[1], given["bandit"], given.get("arm")] = float(match[3])
    return found, labels


def expected(queries):
    """The same by SQL; a NULL is NaN."""
    found = {}
    for prefix, query in queries.items():
        gauges = [n for m in query["metrics"] for n, u in m.items() if u["usage"] != "LABEL"]
        for row in json.loads(psql(f"SELECT json_agg(x) FROM ({query['query']}) x")):
            for name in gauges:
                value = math.nan if row[name] is None else float(row[name])
                found[f"{prefix}_{name}", row["bandit"], row.get("arm")] = value
    return found


def check_exporter(queries, url):
    for prefix, query in queries.items():
        columns = [next(iter(m)) for m in query["metrics"]]
        wanted = re.match(r"SELECT (.*) FROM (bandit\.\w+)$", query["query"])
        ok(wanted and wanted[1].split(", ") == columns, f"{prefix}: columns and metrics agree",
           query["query"], columns)
        view = psql("SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute"
                    f" WHERE attrelid = '{wanted[2]}'::regclass AND attnum > 0").strip()
        ok(view.split(", ") == columns, f"{prefix}: every column of {wanted[2]} is exported", view)
    before = expected(queries)
    text = fetch(url)
    after = expected(queries)
    got, labels = samples(text)
    ok(set(got) == set(before), "the series of queries.yaml, and no others",
       f"missing: {set(before) - set(got)}", f"unknown: {set(got) - set(before)}")
    wrong = [(key, before[key], value, after[key]) for key, value in got.items()
             if key in before and not before[key] <= value <= after[key]
             and not (math.isnan(before[key]) and math.isnan(value))]
    ok(not wrong, "with the values of the views", *wrong)
    ok(all(names == (("arm",) if series.startswith("bandit_arm_") else ()) + ("bandit", "server")
           for series, names in labels), "with the labels bandit, arm and server", labels)
    for series, bandit, arm in [("bandit_arm_pulls", "films", "svd"), ("bandit_arm_pulls", ODD, "a"),
                                ("bandit_arm_enabled", ODD, "never"), ("bandit_alerts_critical", "films", None)]:
        ok((series, bandit, arm) in got, f"{series} of {bandit}{' ' + arm if arm else ''}")
    ok(got.get(("bandit_arm_enabled", ODD, "never")) == 0 and got.get(("bandit_alerts_critical", "films", None)) == 1
       and got.get(("bandit_alerts_warning", "films", None)) == 1
       and got.get(("bandit_experiment_allocation", "films", None)) == 0.75
       and math.isnan(got.get(("bandit_seconds_since_training", ODD, None), 0)), "as the fixture has it", got)
    for name in ("pg_exporter_last_scrape_error", "pg_exporter_user_queries_load_error"):
        values = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.M)
        ok(values == ["0"], f"{name} is 0", values)
    for prefix, query in queries.items():
        for metric in query["metrics"]:
            (name, usage), = metric.items()
            if usage["usage"] != "LABEL":
                line = f"# HELP {prefix}_{name} {usage['description']}\n# TYPE {prefix}_{name} gauge\n"
                if line not in text:
                    ok(False, f"{prefix}_{name} has its description", line)
    return {name for name, _, _ in got}


# ----------------------------------------------------------------- prometheus


def check_rules(rules):
    for command in (["check", "rules", "monitoring/alerts.yaml"],
                    ["test", "rules", "test/monitoring/alerts_test.yaml"]):
        done = subprocess.run([f"{PROGRAMS}/promtool", *command], cwd=ROOT, timeout=120,
                              capture_output=True, text=True)
        ok(done.returncode == 0, "promtool " + " ".join(command), done.stdout, done.stderr)
    with open(f"{ROOT}/test/monitoring/alerts_test.yaml", encoding="utf-8") as file:
        tests = yaml.safe_load(file)["tests"]
    tried = [(t["alertname"], bool(t["exp_alerts"])) for x in tests for t in x["alert_rule_test"]]
    for rule in rules:
        ok((rule["alert"], True) in tried and (rule["alert"], False) in tried,
           f"{rule['alert']} is tested to fire, and not to")


class Prometheus:
    def __init__(self, exporter_port):
        self.url = f"http://127.0.0.1:{free_port()}"
        with open(f"{WORK}/prometheus.yml", "w", encoding="utf-8") as file:
            yaml.safe_dump({
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                "rule_files": [f"{ROOT}/monitoring/alerts.yaml"],
                "scrape_configs": [{"job_name": "bandit", "static_configs": [
                    {"targets": [f"127.0.0.1:{exporter_port}"]}]}],
            }, file)
        start("prometheus", f"--config.file={WORK}/prometheus.yml",
              f"--storage.tsdb.path={WORK}/data", f"--web.listen-address={self.url[7:]}")

    def api(self, path, **arguments):
        return json.loads(fetch(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(arguments)}"))

    def query(self, expression):
        return self.api("query", query=expression)


def panels_of(board):
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels", [])


def check_shape(board):
    panels = list(panels_of(board))
    ok(type(board["schemaVersion"]) is int and board["title"] and board["uid"], "schemaVersion, title, uid")
    ids = [p["id"] for p in panels]
    ok(len(set(ids)) == len(ids), "every panel has an id of its own", ids)
    cells, wrong = {}, []
    for p in panels:
        g = p["gridPos"]
        if g["x"] < 0 or g["w"] < 1 or g["h"] < 1 or g["x"] + g["w"] > 24:
            wrong.append((p["title"], g))
        for x in range(g["x"], g["x"] + g["w"]):
            for y in range(g["y"], g["y"] + g["h"]):
                if cells.setdefault((x, y), p["id"]) != p["id"]:
                    wrong.append((p["title"], x, y))
    ok(not wrong, "no panel overlaps another, or leaves the 24 columns", *wrong)
    variables = {v["name"] for v in board["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(board["panels"]).replace("$__", "")))
    ok(used == variables, "the variables used are those declared", used, variables)
    ok(all(t["expr"] and t["datasource"]["uid"] == "${datasource}" for p in panels for t in p["targets"]),
       "every target has an expression, and the data source that one chooses")


def check_board(board, prometheus, series):
    for panel in panels_of(board):
        for target in panel["targets"]:
            expression = target["expr"].replace("$bandit", ".*")
            names = set(re.findall(r"\bbandit_\w+", expression))
            ok(names and names <= series, f"{panel['title']}: only series that exist", names - series)
            legend = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))

            def answered():
                answer = prometheus.query(expression)
                if answer["status"] != "success":
                    return answer
                rows = [r for r in answer["data"]["result"] if math.isfinite(float(r["value"][1]))]
                return rows and {"status": "success", "rows": rows}
            got = until(expression, answered) or {"status": "no value"}
            ok(got["status"] == "success", f"{panel['title']}: has values", expression, got)
            ok(all(legend <= set(r["metric"]) for r in got.get("rows", [])),
               f"{panel['title']}: has the labels of its legend", legend, got)
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            name, label = re.match(r"label_values\((\w+), (\w+)\)$", variable["query"]["query"]).groups()
            got = prometheus.api(f"label/{label}/values", **{"match[]": name})
            ok(set(got.get("data", [])) == {"films", ODD}, f"variable {variable['name']} lists the bandits", got)


def check_alerting(prometheus, rules):
    def firing(name):
        return {a["labels"].get("bandit"): a for a in prometheus.api("alerts")["data"]["alerts"]
                if a["labels"]["alertname"] == name and a["state"] == "firing"}
    got = until("BanditCritical", lambda: firing("BanditCritical"))
    ok(got and set(got) == {"films"}, "an open critical alert of bandit.alerts fires BanditCritical", got)
    loaded = until("rules", lambda: (r := [r for g in prometheus.api("rules")["data"]["groups"] for r in g["rules"]])
                   and all(x["health"] != "unknown" for x in r) and r) or []
    ok({r["name"] for r in loaded} == {r["alert"] for r in rules} and all(r["health"] == "ok" for r in loaded),
       "every rule is evaluated", [(r["name"], r["health"], r.get("lastError")) for r in loaded])
    psql("SELECT bandit.set_threshold('films', 'untrained_arms', 0); SELECT count(*) FROM bandit.check_health('films')")
    gone = until("the end of BanditCritical", lambda: not firing("BanditCritical"))
    ok(gone, "and not when it is resolved")


def main():
    def load(name):
        with open(f"{ROOT}/monitoring/{name}", encoding="utf-8") as file:
            return json.load(file) if name.endswith("json") else yaml.safe_load(file)

    queries, board = load("queries.yaml"), load("grafana.json")
    rules = [r for g in load("alerts.yaml")["groups"] for r in g["rules"]]
    check_rules(rules)
    check_shape(board)
    port = free_port()
    url = f"http://127.0.0.1:{port}/metrics"
    start("prometheus-postgres-exporter", f"--web.listen-address=127.0.0.1:{port}",
          f"--extend.query-path={ROOT}/monitoring/queries.yaml",
          DATA_SOURCE_NAME=f"host={os.environ['PGHOST']} port={os.environ['PGPORT']} sslmode=disable"
                           f" user=bandit_exporter_test dbname={os.environ['PGDATABASE']}")
    if not ok(until("the exporter", lambda: "bandit_arm_pulls" in fetch(url)), "the exporter exports"):
        return
    series = check_exporter(queries, url)
    prometheus = Prometheus(port)
    first = until("the first scrape", lambda: prometheus.query("bandit_arm_pulls")["data"]["result"])
    ok(first, "Prometheus scrapes it")
    # something to see a change of
    psql("SELECT count(bandit.feedback('films', u, (d.items)[4], 'click'))"
         " FROM generate_series(1, 30) u JOIN bandit.decisions d ON d.subject = u::text")
    check_board(board, prometheus, series)
    used = {n for r in rules for n in re.findall(r"\bbandit_\w+", r["expr"])}
    ok(used <= series, "alerts use only series that exist", used - series)
    check_alerting(prometheus, rules)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
try:
    main()
    print(f"1..{number}")
finally:
    for process in running:
        process.terminate()
    for process in running:
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
sys.exit(failed != 0)

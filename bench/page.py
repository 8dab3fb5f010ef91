"""docs/performance.md, from the figures and the notes.

page.py RESULTS NOTES: the page on stdout.  NOTES has a part for each section,
"## NAME Title", that stands before its table; "why" lines say why a target is
missed, and stand only where it is: "- why WORK | AGAINST: sentence".
"""
import csv
import re
import sys

rows = list(csv.DictReader(open(sys.argv[1])))
notes = open(sys.argv[2]).read()
head, *parts = re.split(r"^## ", notes, flags=re.M)
sections, why = [], {}
for part in parts:
    title, text = part.split("\n", 1)
    name, title = title.split(" ", 1)
    kept = []
    for line in text.splitlines():
        reason = re.match(r"- why ([^|]*?) \| ?(.*?): (.*)", line)
        if reason:
            why[name, reason.group(1), reason.group(2)] = reason.group(3)
        else:
            kept.append(line)
    sections.append((name, title, "\n".join(kept).strip()))


def ratio(row):
    return row["ratio"] + " ×" if row["ratio"] else ""


def figure(row):
    return f"{row['figure']} {row['unit']}".replace(" /s", "/s").strip()


def cells(*values):
    return "| " + " | ".join(values) + " |"


def reason(row):
    return why.get((row["section"], row["work"].replace("`", ""), row["against"].replace("`", "")), "")


def sign(row):
    return {"met": "met", "missed": "**missed**"}.get(row["met"], "")


print(head.strip(), "\n\n## Targets\n")
print(cells("work", "against", "ratio", "target", "", "figure"))
print("|---|---|---|---|---|---|")
for row in rows:
    if row["target"]:
        print(cells(row["work"], row["against"], ratio(row), row["target"].replace("<=", "≤").replace(">=", "≥"),
                    sign(row), figure(row)))
missed = [row for row in rows if row["met"] == "missed"]
if missed:
    print("\nMissed:\n")
    for row in missed:
        against = f", against {row['against']}" if row["against"] else ""
        print(f"- {row['work']}{against}: {reason(row) or 'not looked into yet.'}")
for name, title, text in sections:
    mine = [row for row in rows if row["section"] == name]
    print(f"\n## {title}\n")
    if text:
        print(text + "\n")
    if not mine:
        if name != "gained":
            print("Not measured yet.")
        continue
    print(cells("work", "ratio", "against", "figure"))
    print("|---|---|---|---|")
    for row in mine:
        print(cells(row["work"], ratio(row), row["against"], figure(row)))
    print("\n" + "; ".join(sorted({row["run"] for row in mine})) + ".")

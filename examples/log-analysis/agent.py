"""A script in the agent's place, with five looks at the logs in either arm: it shows what the tool makes of a look.

Without tools a look is a shell command whose output is read as far as the first hundred lines, as agents do to spare
their context; the answer is worked out from what was seen. With `log-lens` a look is a question over all lines.
"""

import json
import math
import random
from collections import Counter, defaultdict

SEEN = 100  # lines of one command's output


async def play(session):
    rng = random.Random(session.variables["seed"])
    asking = "log-lens__tabulate" in session.tools
    answer = await (asked if asking else read)(session, rng)
    session.write("answer.json", json.dumps(answer))
    session.say("answered")


async def read(session, rng):
    """Four looks at lines, drawn from all files, and one count."""
    rows = []
    for _ in range(4):
        got = await session.run(f"cat logs/*.log | awk 'NR % 17 == {rng.randrange(17)}' | head -{SEEN}")
        rows += [parts(line) for line in got.stdout.splitlines() if line.count(" ") == 6]
    errors = await session.run("cat logs/*.log | grep -c status=500")
    share, slow, busy = defaultdict(list), defaultdict(list), Counter()
    for row in rows:
        share[row["release"]].append(row["status"] == "500")
        slow[row["route"]].append(int(row["ms"]))
        busy[row["host"]] += int(row["ms"])
    return {
        "release": max(share, key=lambda name: sum(share[name]) / len(share[name])),
        "route": max(slow, key=lambda name: nearest(slow[name])),
        "errors": int(errors.stdout),
        "repeated": sum(n > 1 for n in Counter(row["request"] for row in rows).values()),
        "slow_host": busy.most_common(1)[0][0],
    }


async def asked(session, rng):
    async def tabulate(**question):
        call = {"files": ["logs/*.log"], "parts": 7, **question}
        return (await session.call("log-lens__tabulate", call)).data

    release = await tabulate(by="release", share_of={"status": "500"})
    route = await tabulate(by="route", number="ms", order="p95")
    status = await tabulate(by="status")
    host = await tabulate(by="host", number="ms", order="sum")
    request = await tabulate(by="request", top=1)
    return {
        "release": max(release["groups"], key=lambda group: group["share"])["value"],
        "route": route["groups"][0]["value"],
        "errors": next((g["lines"] for g in status["groups"] if g["value"] == "500"), 0),
        "repeated": request["repeated"],
        "slow_host": host["groups"][0]["value"],
    }


def parts(line):
    return dict(part.split("=", 1) for part in line.split()[1:])


def nearest(values):
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]

"""Makes one task of this family: a day's logs of a service on several hosts, with one release that fails more often."""

import json
import math
import random
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

from making import Parts, main  # noqa: E402

PROMPT = """\
The logs in logs/ are those of one service, a file for each host. Lines look like this (some are cut short):

    07:03:11 host=h3 release=r12 route=/cart status=500 ms=87 request=9f31c2

Write answer.json with these keys:
    "release"    the release with the highest share of status 500 among its complete lines
    "route"      the route with the greatest 95th percentile of ms (nearest rank), over all complete lines
    "errors"     how many complete lines have status 500, a whole number
    "repeated"   how many request ids occur in more than one complete line, a whole number
    "slow_host"  the host with the greatest sum of ms
A line is complete if it has all seven parts.
"""
ROUTES = ("/cart", "/search", "/login", "/item", "/pay")


def make(rng: random.Random) -> Parts:
    hosts = [f"h{n}" for n in range(1, rng.randrange(5, 8))]
    releases = [f"r{n}" for n in rng.sample(range(10, 60), 4)]
    rates = {name: rng.uniform(0.02, 0.05) for name in releases} | {rng.choice(releases): rng.uniform(0.06, 0.08)}
    typical = {name: rng.uniform(3.5, 4.0) for name in ROUTES}
    lines = {
        host: [line(rng, host, releases, rates, typical) for _ in range(rng.randrange(250, 400))] for host in hosts
    }
    whole = [text for found in lines.values() for text in found if text.count(" ") == 6]
    logs = {f"logs/{host}.log": "\n".join(found) + "\n" for host, found in lines.items()}
    return Parts(
        prompt=PROMPT,
        workspace=logs,
        final={"final_truth.json": json.dumps(truth(whole))},
        told={"direction": "higher", "worst": 0.0, "results": ["answer.json"]},
    )


def line(rng: random.Random, host: str, releases: list[str], rates: dict[str, float], typical: dict[str, float]) -> str:
    release, route = rng.choice(releases), rng.choice(ROUTES)
    status = 500 if rng.random() < rates[release] else rng.choice([200, 200, 200, 304, 404])
    ms = round(rng.lognormvariate(typical[route], 0.8))
    clock = f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}"
    request = f"{rng.randrange(9000):06x}"
    text = f"{clock} host={host} release={release} route={route} status={status} ms={ms} request={request}"
    return text if rng.random() < 0.97 else text.rpartition(" ")[0]


def truth(lines: list[str]) -> dict[str, object]:
    """Worked out from the lines themselves, by other means than any tool."""
    rows = [dict(part.split("=", 1) for part in text.split()[1:]) for text in lines]

    def grouped(key: str) -> dict[str, list[dict[str, str]]]:
        return {value: [row for row in rows if row[key] == value] for value in {row[key] for row in rows}}

    def share(group: list[dict[str, str]]) -> float:
        return sum(row["status"] == "500" for row in group) / len(group)

    def slow(group: list[dict[str, str]]) -> int:
        ordered = sorted(int(row["ms"]) for row in group)
        return ordered[math.ceil(0.95 * len(ordered)) - 1]

    releases, routes, hosts = grouped("release"), grouped("route"), grouped("host")
    return {
        "release": max(releases, key=lambda name: share(releases[name])),
        "route": max(sorted(routes), key=lambda name: slow(routes[name])),
        "errors": sum(row["status"] == "500" for row in rows),
        "repeated": sum(len(group) > 1 for group in grouped("request").values()),
        "slow_host": max(hosts, key=lambda name: sum(int(row["ms"]) for row in hosts[name])),
    }


if __name__ == "__main__":
    main(HERE, make)

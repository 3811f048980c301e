"""A script in the agent's place, with three moves in either arm: it shows what the tool makes of a move, nothing more.

Both arms know the same ideas for kernel.c. Without tools a move puts one of them in place and measures it; with
`variant-sweep` one move has all of them built, checked and measured. Either way the best one is kept.
"""

import random
import re

MOVES = 3
HEAD = """\
#include <stddef.h>

void kernel(const double *in, const double *weights, double *out, int n, int w) {
"""
IDEAS = {
    "no bounds checks": """\
    for (int i = 0; i < n; i++) out[i] = 0.0;
    for (int j = 0; j < w; j++)
        for (int i = 0; i < n; i++) out[i] += in[i + j] * weights[j];
}
""",
    "window innermost": """\
    for (int i = 0; i < n; i++) {
        double sum = 0.0;
        for (int j = 0; j < w; j++) sum += in[i + j] * weights[j];
        out[i] = sum;
    }
}
""",
    "unrolled window": """\
    for (int i = 0; i < n; i++) {
        double a = 0.0, b = 0.0;
        int j = 0;
        for (; j + 1 < w; j += 2) { a += in[i + j] * weights[j]; b += in[i + j + 1] * weights[j + 1]; }
        if (j < w) a += in[i + j] * weights[j];
        out[i] = a + b;
    }
}
""",
    "four at once": """\
    int i = 0;
    for (; i + 3 < n; i += 4) {
        double a = 0.0, b = 0.0, c = 0.0, d = 0.0;
        for (int j = 0; j < w; j++) {
            const double weight = weights[j];
            const double *from = in + i + j;
            a += from[0] * weight; b += from[1] * weight; c += from[2] * weight; d += from[3] * weight;
        }
        out[i] = a; out[i + 1] = b; out[i + 2] = c; out[i + 3] = d;
    }
    for (; i < n; i++) {
        double sum = 0.0;
        for (int j = 0; j < w; j++) sum += in[i + j] * weights[j];
        out[i] = sum;
    }
}
""",
    "pairs of weights": """\
    for (int i = 0; i < n; i++) out[i] = 0.0;
    int j = 0;
    for (; j + 1 < w; j += 2) {
        const double a = weights[j], b = weights[j + 1];
        for (int i = 0; i < n; i++) out[i] += in[i + j] * a + in[i + j + 1] * b;
    }
    for (; j < w; j++)
        for (int i = 0; i < n; i++) out[i] += in[i + j] * weights[j];
}
""",
    "vectors": "vectors",
}
VECTORS = """\
#pragma GCC optimize("O3")
#include <stddef.h>

void kernel(const double *restrict in, const double *restrict weights, double *restrict out, int n, int w) {
    for (int i = 0; i < n; i++) out[i] = 0.0;
    for (int j = 0; j < w; j++) {
        const double weight = weights[j];
        for (int i = 0; i < n; i++) out[i] += in[i + j] * weight;
    }
}
"""
SOURCES = {name: VECTORS if body == "vectors" else HEAD + body for name, body in IDEAS.items()}
COMMAND = "python3 measure.py"


async def play(session):
    rng = random.Random(session.variables["seed"])
    sweeping = "variant-sweep__sweep_patches" in session.tools
    source = await (swept if sweeping else tried)(session, rng)
    session.write("kernel.c", source)
    session.say("the best of the ideas is in place")


async def tried(session, rng):
    best, least = session.read("kernel.c"), float("inf")
    for name in rng.sample(sorted(SOURCES), MOVES - 1):
        session.write("kernel.c", SOURCES[name])
        found = float(re.findall(r"[\d.]+", (await session.run(COMMAND)).stdout)[-1])
        best, least = (SOURCES[name], found) if found < least else (best, least)
    return best


async def swept(session, rng):
    patches = [{"name": name, "edits": [{"path": "kernel.c", "content": text}]} for name, text in SOURCES.items()]
    rng.shuffle(patches)
    answer = await session.call("variant-sweep__sweep_patches", {"command": COMMAND, "patches": patches})
    return SOURCES[answer.data["best"]]

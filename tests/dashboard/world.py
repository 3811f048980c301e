"""Homes with a past: published versions that really run, rejected trees, weeks of calls, iterations, comparisons."""

import json
import random
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harnessgym_mcp.core.digest import pins
from harnessgym_mcp.core.events import CallEvent
from harnessgym_mcp.core.iteration import Attempt, Iteration
from harnessgym_mcp.core.launch import Launch, Permissions, Wire
from harnessgym_mcp.core.lifecycle import Version
from harnessgym_mcp.core.policy import Compare, Limits, Policy
from harnessgym_mcp.core.simulation import World as Assumption
from harnessgym_mcp.core.simulation import simulate
from harnessgym_mcp.core.tasks import TaskRef
from harnessgym_mcp.core.trials import Budget, Bundle, new_design
from harnessgym_mcp.core.verdict import Finding, IsolationReport, StageResult, Verdict, finding
from harnessgym_mcp.report.model import build, encode
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.iterations import IterationStore
from harnessgym_mcp.store.publish import Stores, publish, reject
from harnessgym_mcp.store.telemetry import TelemetryWriter
from harnessgym_mcp.store.tree import survey

EVIL = (
    "</title><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">\u202e\u200b{{7*191}}"
)

SERVER = '''"""A small MCP server over stdio."""
import json
import sys

TOOLS = json.loads(r"""%s""")

for line in sys.stdin:
    message = json.loads(line)
    method = message.get("method")
    if method == "initialize":
        version = message["params"]["protocolVersion"]
        result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": {"name": "w", "version": "1"}}
    elif method == "tools/list":
        result = {"tools": TOOLS}
    elif method == "tools/call":
        result = {"content": [{"type": "text", "text": json.dumps(message["params"]["arguments"])}]}
    elif "id" in message:
        answer = {"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no such method"}}
        print(json.dumps(answer), flush=True)
        continue
    else:
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
'''


def tool(name: str, description: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"path": {"type": "string", "description": "What to look at."}}}
    return {"name": name, "description": description, "inputSchema": schema}


class Past:
    """One workspace and what has happened in it."""

    def __init__(self, folder: Path) -> None:
        self.workspace = folder / "workspace"
        self.workspace.mkdir(parents=True, exist_ok=True)
        self.home = Home.open(self.workspace, state=folder / "state")
        self.policy = Policy()
        self.stores = Stores.open(self.home, self.policy)
        self._sources = folder / "sources"
        self._rows: list[CallEvent] = []

    def publish(
        self,
        name: str,
        version: str,
        tools: list[dict[str, Any]],
        *,
        description: str = "",
        at: float = 0.0,
        **more: Any,
    ) -> Version:
        """A version whose server really answers; qualified by decree."""
        folder = self._tree(name, version, tools)
        made = Version(
            digest=survey(folder, Limits())[0].digest,
            version=version,
            description=description or f"The artifact {name}.",
            published_at=at or time.time(),
            launch=Launch(
                command=sys.executable,
                args=["-S", "-B", "${PLUGIN_ROOT}/server.py"],
                wire=Wire(legacy="2025-11-25"),
                permissions=Permissions(),
            ),
            tools=tools,
            pins=pins(tools),
            tier="A",
            **more,
        )
        publish(self.stores, name, folder, self._verdict(name, version, made.digest, [], tools), made)
        return made

    def reject(self, name: str, version: str, findings: Iterable[Finding], iteration: str = "") -> str:
        """A rejected tree with its evidence; its digest."""
        folder = self._tree(name, version, [tool("look", "It looks.")])
        digest = survey(folder, Limits())[0].digest
        reject(self.stores, name, folder, self._verdict(name, version, digest, list(findings), []), iteration)
        return digest

    def called(self, version: Version, artifact: str, tool: str, at: float, ms: float, **more: Any) -> None:
        values = dict.fromkeys(CallEvent._fields, "") | {
            "at": at, "session": "s-1", "client": "claude-code", "labels": "{}", "artifact": artifact,
            "digest": version.digest, "tool": tool, "origin": "agent", "duration_ms": ms, "status": "completed",
            "argument_keys": '["path"]', "argument_bytes": 20, "arguments": None, "result_bytes": 200,
            "content_kinds": '{"text": 1}',
        }  # fmt: skip
        self._rows.append(CallEvent(**(values | more)))

    def write_calls(self) -> None:
        writer = TelemetryWriter(self.home, self.policy.telemetry)
        for row in self._rows:
            writer.put(row)
        assert writer.close(10.0) == 0
        self._rows.clear()

    def iterated(self, *iterations: Iteration) -> None:
        IterationStore(self.home).update(lambda kept: [*kept, *iterations])

    def compared(self, id: str, effect: float, artifacts: list[str], *, title: str, metric: str = "cycles") -> None:
        rules = Compare(bootstrap_draws=200)
        tools = [f"{artifacts[0]}__{t}" for t in ("look", "sweep")]
        design = new_design(
            [TaskRef(id=f"kernel-{i}", held_out=True) for i in range(3)],
            ["plain", "harnessed"],
            Budget(seconds=900.0),
            rules,
            trials=8,
            metric=metric,
            direction="lower",
            threshold=85.0,
            bundle=Bundle(artifacts=artifacts, tools=tools),
        )
        model = build(
            design, simulate(design, Assumption(effect=effect, failing=0.04), seed=4), title=title,
            generated_at=time.time(), harnessgym="0.1.0", rules=rules, leaks=[],
        )  # fmt: skip
        folder = self.home.runs / id
        folder.mkdir(parents=True)
        (folder / "report.json").write_bytes(encode(model))

    def _tree(self, name: str, version: str, tools: list[dict[str, Any]]) -> Path:
        folder = self._sources / f"{name}-{version}"
        folder.mkdir(parents=True)
        (folder / "plugin.json").write_text(json.dumps({"name": name, "version": version}, indent=1))
        (folder / "server.py").write_text(SERVER % json.dumps(tools, indent=1))
        return folder

    def _verdict(
        self, name: str, version: str, digest: str, findings: list[Finding], tools: list[dict[str, Any]]
    ) -> Verdict:
        bad = [f.stage for f in findings if f.severity == "error"]
        stages = ("intake", "manifest", "lint", "boot", "selftest", "sabotage", "footprint")
        return Verdict(
            status="rejected" if bad else "qualified",
            name=name,
            version=version,
            digest=digest,
            kind="server",
            findings=findings,
            stages=[StageResult(id=s, status="failed" if s in bad else "passed", ms=12.5) for s in stages],
            isolation=IsolationReport(tier="A", mechanism="bubblewrap"),
            tools=tools,
            started_at=time.time(),
            duration_ms=640.0,
            harnessgym="0.1.0",
        )


def furnish(past: Past) -> None:
    """A lively workspace: what the pictures in the documentation show."""
    now, hour, day = time.time(), 3600.0, 86_400.0
    rng = random.Random(5)
    lens_1 = past.publish(
        "asm-lens", "0.1.0", [tool("compile", "Compile a function and show its annotated assembly.")],
        at=now - 9 * day, description="Annotated assembly and vectorisation remarks of one function.",
        why="each look at the hot loop's assembly took four shell commands",
    )  # fmt: skip
    lens_2 = past.publish(
        "asm-lens", "0.2.0",
        [
            tool("compile", "Compile a function with given flags and show its annotated assembly."),
            tool("remarks", "Why the compiler did or did not vectorise each loop."),
        ],
        at=now - 5 * day, description="Annotated assembly and vectorisation remarks of one function.",
        why="each look at the hot loop's assembly took four shell commands",
        prediction={"metric": "cycles", "direction": "down", "effect": "10%"},
    )  # fmt: skip
    sweep = past.publish(
        "variant-sweep", "0.1.0", [tool("sweep", "Try every variant of a file, rank them, put the original back.")],
        at=now - 3 * day, description="Sweeps source or flag variants against a command, safely.",
        why="variants were tried by hand, one build at a time",
    )  # fmt: skip
    history = past.publish(
        "bench-history", "0.3.1",
        [tool("append", "Add a measurement."), tool("compare", "Compare two."), tool("regressions", "Find them.")],
        at=now - 2 * day, description="Append-only history of measurements with their environment.",
    )  # fmt: skip
    past.reject(
        "heldout-eval", "0.1.0",
        [
            finding("selftest.vacuous", "the self-test passes against answers that were emptied: it asserts nothing",
                    where="plugin.json self_test", fix="expect a value that only a right answer has",
                    repro='{"tool": "evaluate", "arguments": {"mode": "dev"}}'),
            finding("lint.machine-path", "a path of the training workspace is written into the source",
                    where="server.py:41", fix="take the path as an argument", severity="warning"),
        ],
        "demo-4",
    )  # fmt: skip
    spread = [(lens_2, "asm-lens", "compile", 46.0, 0.35, 420), (sweep, "variant-sweep", "sweep", 2600.0, 0.6, 130),
              (history, "bench-history", "append", 4.0, 0.3, 300), (history, "bench-history", "compare", 9.0, 0.4, 90)]  # fmt: skip
    for version, artifact, name, ms, sigma, count in spread:
        for _ in range(count):
            at = now - day * rng.random() ** 1.4
            busy = 1.0 + 0.8 * (0.35 < ((now - at) / day) < 0.5)
            failing = artifact == "variant-sweep" and rng.random() < 0.12 or rng.random() < 0.012
            status = rng.choice(["tool_error", "timeout"]) if failing else "completed"
            error = "the build failed: undefined reference to `fold4'" if failing else ""
            past.called(version, artifact, name, at, rng.lognormvariate(0, sigma) * ms * busy, status=status, error=error,
                        client=rng.choice(["claude-code", "codex-mcp-client"]))  # fmt: skip
    for _ in range(160):
        past.called(lens_1, "asm-lens", "compile", now - day * (5 + 4 * rng.random()), rng.lognormvariate(0, 0.4) * 70)
    past._rows.sort(key=lambda row: row.at)
    past.write_calls()
    past.compared(
        "2026-11-20-kernels", 0.17, ["asm-lens", "variant-sweep"], title="Kernels: with the harness or without"
    )
    past.iterated(
        Iteration(id="7f3a1c02-1", session="7f3a", name="asm-lens", state="qualified",
                  why="each look at the hot loop's assembly took four shell commands",
                  prediction={"metric": "cycles", "direction": "down", "effect": "10%"}, opened_at=now - 5.1 * day,
                  closed_at=now - 5 * day, attempts=[Attempt(digest=lens_2.digest, status="qualified", at=now - 5 * day)]),
        Iteration(id="91be0d44-1", session="91be", name="variant-sweep", state="qualified",
                  why="variants were tried by hand, one build at a time",
                  prediction={"metric": "seconds", "direction": "down", "effect": "half"}, opened_at=now - 3.2 * day,
                  closed_at=now - 3 * day, attempts=[Attempt(digest=sweep.digest, status="qualified", at=now - 3 * day)]),
        Iteration(id="c4d7e913-1", session="c4d7", name="heldout-eval", state="quarantined",
                  why="the score on the given cases rose while the held-out one fell",
                  opened_at=now - 1.2 * day, closed_at=now - 1.1 * day, reason="its repairs are used up",
                  attempts=[Attempt(digest="sha256:" + "4" * 64, status="rejected", at=now - 1.1 * day,
                                    findings=["selftest.vacuous"])]),
    )  # fmt: skip


def hostile(past: Past) -> Version:
    """Whatever an artifact may say is an attack on the page."""
    evil = tool("look", EVIL) | {"title": EVIL, "annotations": {"title": EVIL}}
    version = past.publish(
        "mean", "0.1.0", [evil], description=EVIL, why=EVIL, prediction={"metric": EVIL, "effect": EVIL}
    )
    past.publish("mean", "0.2.0", [evil, tool("see", EVIL)], description=EVIL, why=EVIL)
    past.reject("mean", "0.0.1", [finding("boot.dead", EVIL, where=EVIL, fix=EVIL, repro=EVIL)])
    past.called(version, "mean", "look", time.time(), 5.0, status="tool_error", error=EVIL, client=EVIL)
    past.called(version, EVIL, EVIL, time.time(), 5.0, status="completed")
    past.called(version, "javascript:alert(1)", "../../x?a=1#b", time.time(), 5.0, status=EVIL)
    past.write_calls()
    past.iterated(
        Iteration(
            id="e-1", session="e", name="mean", why=EVIL, prediction={"metric": EVIL, "direction": EVIL}, reason=EVIL
        )
    )
    past.compared("evil-run", 0.2, ["mean", EVIL], title=EVIL, metric=EVIL)
    return version

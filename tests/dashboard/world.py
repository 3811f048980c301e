"""Homes with a past: published versions that really run, rejected trees, weeks of calls, iterations, comparisons."""

import json
import random
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from ended import ended_as

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

DAY = 86_400.0

SERVER = '''"""A small MCP server over stdio."""
import json
import sys

TOOLS = json.loads(r"""%s""")

for line in sys.stdin:
    message = json.loads(line)
    method = message.get("method")
    if method == "initialize":
        version = message["params"]["protocolVersion"]
        me = {"name": "w", "version": "1"}
        result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": me}
    elif method == "tools/list":
        result = {"tools": TOOLS}
    elif method == "tools/call":
        result = {"content": [{"type": "text", "text": json.dumps(message["params"])}]}
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
                command="python3",
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
        writer = TelemetryWriter(self.home, self.policy.telemetry, ended_as)
        for row in sorted(self._rows, key=lambda row: row.at):
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
        model = msgspec.structs.replace(model, title=title)  # as it is: a stranger's report is not cleaned
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
    now = time.time()
    lens_1, lens_2, sweep, history = _versions(past, now)
    evidence = past.reject(
        "heldout-eval",
        "0.1.0",
        [
            finding(
                "selftest.vacuous",
                "the self-test passes against answers that were emptied: it asserts nothing",
                where="plugin.json self_test",
                fix="expect a value that only a right answer has",
                repro='{"tool": "evaluate", "arguments": {"mode": "dev"}}',
            ),
            finding(
                "lint.machine-path",
                "a path of the training workspace is written into the source",
                where="server.py:41",
                fix="take the path as an argument",
                severity="warning",
            ),
        ],
        "c4d7e913-1",
    )
    _calls(past, now, {"asm-lens": lens_2, "variant-sweep": sweep, "bench-history": history}, lens_1)
    past.compared(
        "2026-11-20-kernels", 0.17, ["asm-lens", "variant-sweep"], title="Kernels, with and without the harness"
    )
    past.iterated(*_iterations(now, {"asm-lens": lens_2.digest, "variant-sweep": sweep.digest}, evidence))


def _versions(past: Past, now: float) -> list[Version]:
    lens = {
        "description": "Annotated assembly and vectorisation remarks of one function.",
        "why": "each look at the hot loop's assembly took four shell commands",
    }
    look = tool("compile", "Compile a function and show its annotated assembly.")
    better = tool("compile", "Compile a function with given flags and show its annotated assembly.")
    remarks = tool("remarks", "Why the compiler did or did not vectorise each loop.")
    sweep = tool("sweep", "Try every variant of a file, rank them, put the original back.")
    history = [tool(n, f"{n.capitalize()} measurements.") for n in ("append", "compare", "regressions")]
    return [
        past.publish("asm-lens", "0.1.0", [look], at=now - 9 * DAY, **lens),
        past.publish("asm-lens", "0.2.0", [better, remarks], at=now - 5 * DAY, **lens),
        past.publish(
            "variant-sweep",
            "0.1.0",
            [sweep],
            at=now - 3 * DAY,
            description="Sweeps source or flag variants against a command, safely.",
            why="variants were tried by hand, one build at a time",
        ),
        past.publish(
            "bench-history",
            "0.3.1",
            history,
            at=now - 2 * DAY,
            description="Append-only history of measurements with their environment.",
        ),
    ]


def _calls(past: Past, now: float, versions: dict[str, Version], former: Version) -> None:
    rng = random.Random(5)
    use = (
        ("asm-lens", "compile", 46.0, 0.35, 420, 0.012),
        ("variant-sweep", "sweep", 2600.0, 0.6, 130, 0.12),
        ("bench-history", "append", 4.0, 0.3, 300, 0.01),
        ("bench-history", "compare", 9.0, 0.4, 90, 0.02),
    )
    for artifact, name, ms, sigma, count, failing in use:
        for _ in range(count):
            at = now - DAY * rng.random() ** 1.4
            busy = 1.8 if 0.35 < (now - at) / DAY < 0.5 else 1.0
            failed = rng.random() < failing
            past.called(
                versions[artifact],
                artifact,
                name,
                at,
                rng.lognormvariate(0, sigma) * ms * busy,
                status="tool_error" if failed else "completed",
                error="the build failed: undefined reference to `fold4'" if failed else "",
                client=rng.choice(["claude-code", "codex-mcp-client"]),
            )
    for _ in range(160):
        past.called(former, "asm-lens", "compile", now - DAY * (5 + 4 * rng.random()), rng.lognormvariate(0, 0.4) * 70)
    past.write_calls()


def _iterations(now: float, digests: dict[str, str], rejected: str) -> list[Iteration]:
    def built(id: str, name: str, why: str, ago: float, **prediction: str) -> Iteration:
        at = now - ago * DAY
        return Iteration(
            id=id,
            session=id[:4],
            name=name,
            state="qualified",
            why=why,
            prediction=prediction,
            opened_at=at - 4000,
            closed_at=at,
            attempts=[Attempt(digest=digests[name], status="qualified", at=at)],
        )

    lost = Attempt(digest=rejected, status="rejected", at=now - DAY, findings=["selftest.vacuous"])
    return [
        built(
            "7f3a1c02-1",
            "asm-lens",
            "each look at the hot loop's assembly took four shell commands",
            5,
            metric="cycles",
            direction="down",
            effect="10%",
        ),
        built(
            "91be0d44-1",
            "variant-sweep",
            "variants were tried by hand, one build at a time",
            3,
            metric="seconds",
            direction="down",
            effect="half",
        ),
        Iteration(
            id="c4d7e913-1",
            session="c4d7",
            name="heldout-eval",
            state="quarantined",
            why="the score on the given cases rose while the held-out one fell",
            opened_at=now - 1.2 * DAY,
            closed_at=now - DAY,
            reason="its repairs are used up",
            attempts=[lost],
        ),
    ]


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

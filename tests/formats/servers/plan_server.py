"""A server as the original HarnessGym's agents wrote them: headers, its workspace found from its own place, and a
module and a file of that workspace in use."""

import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import objective

SERVER = Path(__file__).resolve()
ROOT = SERVER.parents[3]
HARNESS = ROOT / ".harnessgym"


def score(arguments):
    plan = arguments.get("plan")
    if arguments.get("fixture"):
        name = str(arguments["fixture"]).replace("/", "_")
        plan = json.loads((HARNESS / "fixtures" / f"{name}.json").read_text())
    return {"score": objective.score(plan if plan is not None else json.loads((ROOT / "plan.json").read_text()))}


def apply_plan(arguments):
    (ROOT / "plan.json").write_text(json.dumps(arguments["plan"]))
    history = HARNESS / "history"
    history.mkdir(exist_ok=True)
    with (history / "log.txt").open("a") as log:
        log.write("applied\n")
    done = subprocess.run([sys.executable, "objective.py"], cwd=ROOT, capture_output=True, text=True)
    return {"printed": done.stdout.strip(), "applied": len((history / "log.txt").read_text().splitlines())}


TOOLS = {
    "score_plan": (score, {"plan": {"type": "object"}, "fixture": {"type": "string"}}, []),
    "apply_plan": (apply_plan, {"plan": {"type": "object"}}, ["plan"]),
}


def read(stream):
    headers = {}
    line = stream.readline()
    if not line:
        return None
    while line not in (b"\r\n", b"\n", b""):
        key, _, value = line.decode("ascii", "replace").partition(":")
        headers[key.lower()] = value.strip()
        line = stream.readline()
    length = int(headers.get("content-length", 0))
    return json.loads(stream.read(length)) if length > 0 else None


def write(stream, message):
    body = json.dumps(message).encode()
    stream.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    stream.flush()


def call(params):
    try:
        if params.get("name") not in TOOLS:
            raise ValueError("unknown tool")
        body, failed = TOOLS[params["name"]][0](params.get("arguments") or {}), False
    except Exception as error:
        body, failed = {"error": str(error)}, True
    return {"content": [{"type": "text", "text": json.dumps(body)}], "isError": failed}


def answer(message):
    method, params = message.get("method"), message.get("params") or {}
    if method == "initialize":
        info = {"name": "plan", "version": "1"}
        return {"protocolVersion": "2024-11-05", "capabilities": {"tools": {}}, "serverInfo": info}
    if method == "tools/list":
        return {
            "tools": [
                {
                    "name": name,
                    "description": f"{name}: of the plan in this workspace",
                    "inputSchema": {"type": "object", "properties": properties, "required": required},
                }
                for name, (_, properties, required) in TOOLS.items()
            ]
        }
    return call(params) if method == "tools/call" else None


if "--self-test" in sys.argv:
    sys.exit(subprocess.call([sys.executable, str(HARNESS / "tests" / "test_plan.py")], cwd=ROOT))
while (message := read(sys.stdin.buffer)) is not None:
    if "id" not in message:
        continue
    result = answer(message)
    outcome = {"result": result} if result is not None else {"error": {"code": -32601, "message": "no such method"}}
    write(sys.stdout.buffer, {"jsonrpc": "2.0", "id": message["id"], **outcome})

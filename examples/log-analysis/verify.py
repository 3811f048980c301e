"""Scores answer.json: the share of its five parts that are right. Nothing else of the workspace is read."""

import json
from pathlib import Path


def main() -> None:
    path, truth = Path("answer.json"), json.loads(Path("final_truth.json").read_text())
    if path.is_symlink() or path.stat().st_size > 10_000:
        raise ValueError("answer.json is a small file")
    answer = json.loads(path.read_text())
    if not isinstance(answer, dict) or set(answer) - set(truth):
        raise ValueError(f"answer.json has the keys {', '.join(truth)} and no others")
    right = [key for key, value in truth.items() if type(answer.get(key)) is type(value) and answer[key] == value]
    print(json.dumps({"status": "passed", "score": len(right) / len(truth), "right": right}))


try:
    main()
except (OSError, ValueError) as error:
    print(json.dumps({"status": "failed", "message": str(error)[:300]}))

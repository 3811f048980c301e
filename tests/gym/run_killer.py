"""Run as a program: drives the run r1 of a place and kills itself, the hard way, at the first step with a given end.

run_killer.py FOLDER SCRIPT END          END is "begun", "ended", "ended, not kept", or "" to live
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from run_bench import Place

from harnessgym_mcp.gym.run import new_run, resume_run


def killer(end: str) -> Callable[[str], None]:
    def step(name: str) -> None:
        if end and name.endswith(f" {end}"):
            print(name, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)

    return step


def main() -> None:
    folder, script, end, *flags = sys.argv[1:]
    place = Place(Path(folder), dict(flag.split("=") for flag in flags))
    if (place.home.runs / "r1" / "settings.json").exists():
        runner = resume_run(place.home, place.policy, "r1", step=killer(end))
    else:
        settings = place.settings(Path(script), rules={"optimize": True}, task_state="reset")
        runner = new_run(place.home, place.policy, "r1", settings, step=killer(end))
    asyncio.run(runner.drive())


if __name__ == "__main__":
    main()

"""What the stand-in programs do: the prompt's first line says it. Each tells its events in its own format.

ok            two tool calls, one of them failing, then a message
hang [PATH]   one call, then nothing more, ignoring SIGTERM (and `leave PATH`)
leave PATH    starts a daemon in a session of its own, with an empty environment; its pid goes to PATH
flood N       N bytes of stdout in one line, then ok
exit N        says something on stderr and exits with N
mute          exits with 0 before the stream's end
garbage       lines that are no events, then ok
digest        the message is the prompt's length and SHA-256
refused       says that the model failed
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path


def emit(event):
    print(json.dumps(event), flush=True)


def leave(path):
    code = (
        "import os, sys, pathlib, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"pathlib.Path({path!r}).write_text(str(os.getpid())); os.close(int(sys.argv[1])); signal.pause()"
    )
    told, telling = os.pipe()
    argv = [sys.executable, "-S", "-c", code, str(telling)]
    subprocess.Popen(argv, env={}, start_new_session=True, pass_fds=(telling,))
    os.close(telling)
    os.read(told, 1)  # ends when the other has written
    os.close(told)


def record(prompt):
    """What this program was given, for the test to look at."""
    seen = {"argv": sys.argv, "env": dict(os.environ), "cwd": os.getcwd(), "prompt": prompt[:200]}
    Path("seen.json").write_text(json.dumps(seen))


def perform(speaker, prompt):
    """`speaker` has start, call(tool, failed), message(text), end() and fail(text)."""
    record(prompt)
    act, _, argument = prompt.split("\n", 1)[0].partition(" ")
    if act == "exit":
        print("first line\nthe last words", file=sys.stderr)
        sys.exit(int(argument))
    speaker.start()
    if act == "hang":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        speaker.call("harnessgym", "fft__plan", None)
        if argument:
            leave(argument)
        signal.pause()
    if act == "refused":
        speaker.fail("the model is out of order")
    if act == "mute":
        sys.exit(0)
    if act == "leave":
        leave(argument)
    if act == "flood":
        sys.stdout.write("x" * int(argument) + "\n")
    if act == "garbage":
        print('{"type": 7}\n[1]\n{"type": "assistant"}\n{"type": "item.completed", "item": 3}\nnot json\n\udce9'[:-1])
    speaker.call("harnessgym", "fft__plan", False)
    speaker.call("harnessgym", "fft__plan", True)
    speaker.call("", "Shell", False)
    size = f"{len(prompt.encode())} {hashlib.sha256(prompt.encode()).hexdigest()}"
    speaker.message(size if act == "digest" else "done")
    speaker.end()

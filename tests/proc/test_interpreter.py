"""How the interpreter of a front is set, in a process of its own."""

import json
import subprocess
import sys

CODE = """
import json, threading, time
from harnessgym_mcp.proc.interpreter import take_short_turns
stop = threading.Event()

def busy():
    while not stop.is_set():
        sum(range(1000))

def seconds_of_turns():
    began = time.monotonic()
    for _ in range(100):
        time.sleep(0)  # lets go of the lock, and has to wait for it
    return time.monotonic() - began

threading.Thread(target=busy).start()
as_it_was = seconds_of_turns()
take_short_turns()
print(json.dumps([as_it_was, seconds_of_turns()]))
stop.set()
"""


def test_a_thread_waits_less_for_its_turn_beside_a_busy_one():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=60, check=True)
    as_it_was, short = json.loads(done.stdout)
    assert short < as_it_was / 2

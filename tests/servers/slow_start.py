"""Takes its time before it reads anything."""

import sys
import time

from loop import Server

if __name__ == "__main__":
    time.sleep(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
    Server().run()

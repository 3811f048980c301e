import sys

sys.flags

"""Statistics in pure Python: small numbers of paired trials, exact where exactness is cheap.

Nothing here knows what an arm or a task is; scipy is the oracle of the tests and costs too much to import at run time.
"""

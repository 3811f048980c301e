"""`python -m harnessgym_mcp`: the same as the `harnessgym` command."""

from harnessgym_mcp.cli.main import entry

if __name__ == "__main__":
    entry()

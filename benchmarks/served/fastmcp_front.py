"""fastmcp's mounted proxies of one server, over stdio.

fastmcp_front.py MOUNTS COMMAND ...
"""

import sys

from fastmcp import FastMCP
from fastmcp.server import create_proxy

front = FastMCP("front")
for number in range(int(sys.argv[1])):
    server = {"mcpServers": {"echo": {"command": sys.argv[2], "args": sys.argv[3:]}}}
    front.mount(create_proxy(server), namespace=f"echo{number}")
front.run(transport="stdio", show_banner=False)

"""Prompts, resources, templates, completion, logging, subscriptions and questions to the client, beside one tool."""

import json
import sys

from loop import RpcError, Server, text, tool


class Offering(Server):
    capabilities = {
        "tools": {},
        "prompts": {"listChanged": True},
        "resources": {"subscribe": True, "listChanged": True},
        "completions": {},
        "logging": {},
    }
    tools = [
        tool("link", description="Names a resource."),
        tool("touch", description="Says that the resource was updated."),
        tool("ask", {"method": {"type": "string"}}, description="Asks the client and tells what it said."),
        tool("level", description="The log level that was set."),
        tool("more", description="Offers one more prompt."),
    ]

    def __init__(self):
        self.level = ""
        self.prompts = [{"name": "greet", "arguments": [{"name": "who"}]}]

    def handle(self, message):
        method, params = message["method"], message.get("params") or {}
        if method == "prompts/list":
            return {"prompts": self.prompts}
        if method == "prompts/get":
            if params["name"] != "greet":
                raise RpcError(-32602, f"no prompt {params['name']}")
            return {"messages": [{"role": "user", "content": {"type": "text", "text": f"hello {params['name']}"}}]}
        if method == "resources/list":
            return {"resources": [{"uri": "memo://notes/one", "name": "one"}, {"uri": "ui://view", "name": "view"}]}
        if method == "resources/templates/list":
            return {"resourceTemplates": [{"uriTemplate": "memo://{id}", "name": "any"}]}
        if method == "resources/read":
            return {"contents": [{"uri": params["uri"], "mimeType": "text/plain", "text": f"read {params['uri']}"}]}
        if method in ("resources/subscribe", "resources/unsubscribe"):
            self.notify("notifications/message", {"level": "info", "logger": "sub", "data": [method, params["uri"]]})
            return {}
        if method == "completion/complete":
            return {"completion": {"values": [json.dumps(params["ref"])]}}
        if method == "logging/setLevel":
            self.level = params["level"]
            return {}
        return super().handle(message)

    def call(self, name, arguments, meta):
        if name == "link":
            return {"content": [{"type": "resource_link", "uri": "memo://notes/one", "name": "one"}]}
        if name == "touch":
            self.notify("notifications/resources/updated", {"uri": "memo://notes/one"})
            return text("touched")
        if name == "more":
            self.prompts.append({"name": "part"})
            self.notify("notifications/prompts/list_changed", {})
            return text("more")
        if name == "ask":
            self.send({"jsonrpc": "2.0", "id": "q1", "method": arguments["method"], "params": {}})
            return text(json.dumps(json.loads(sys.stdin.buffer.readline())))
        return text(self.level)


if __name__ == "__main__":
    Offering().run()

"""Well-behaved: every kind of content, known and unknown."""

import json

from loop import Server, text, tool

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
KINDS = [
    {"type": "text", "text": "plain", "annotations": {"audience": ["user"], "priority": 0.5}},
    {"type": "image", "data": PIXEL, "mimeType": "image/png"},
    {"type": "audio", "data": "UklGRg==", "mimeType": "audio/wav"},
    {"type": "resource", "resource": {"uri": "memory://one", "mimeType": "text/plain", "text": "embedded"}},
    {"type": "resource_link", "uri": "memory://two", "name": "two"},
    {"type": "hologram", "of": {"a": "future", "kind": [1, 2.5, True]}},
]
NUMBERS = {"a": {"type": "number"}, "b": {"type": "number"}}


class Echo(Server):
    name = "echo"
    tools = [
        tool("echo", {"value": {}}, description="Gives back its arguments as JSON text.", _meta={"test/kept": True}),
        tool("add", NUMBERS, ["a", "b"], "The sum of two numbers."),
        tool("kinds", description="One content block of each kind."),
        tool("structured", {"value": {}}, outputSchema={"type": "object"}, annotations={"readOnlyHint": True}),
    ]

    def call(self, name, arguments, meta):
        if name == "add":
            return text(json.dumps(arguments["a"] + arguments["b"]))
        if name == "kinds":
            return {"content": KINDS, "_meta": {"test/kept": [1, 2]}, "unknownField": {"kept": True}}
        if name == "structured":
            return text(json.dumps(arguments), structuredContent=arguments)
        return super().call(name, arguments, meta)


if __name__ == "__main__":
    Echo().run()

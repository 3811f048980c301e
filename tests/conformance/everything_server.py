"""A server that offers all that the official conformance suite asks for, on the Python SDK.

everything_server.py                stdio, both eras
everything_server.py --http PORT    Streamable HTTP, to see that the server itself conforms
"""

import hashlib
import hmac
import json
import sys
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import mcp_types as types
import uvicorn
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, PromptsListChanged, ToolsListChanged
from mcp.shared.exceptions import MCPError

Context = ServerRequestContext[Any, Any]
Result = dict[str, Any]

RED_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
SILENCE = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA="
PAUSE = 0.05  # seconds between two signs of life, as the suite wishes
BUS = InMemorySubscriptionBus()
KEY = b"the key of a test"


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


def image() -> dict[str, str]:
    return {"type": "image", "data": RED_PIXEL, "mimeType": "image/png"}


def embedded(uri: str, mime: str, words: str) -> Result:
    return {"type": "resource", "resource": {"uri": uri, "mimeType": mime, "text": words}}


def content(*blocks: Any) -> Result:
    return {"content": list(blocks)}


# ---- tools that answer


async def simple_text(ctx: Context, params: types.CallToolRequestParams) -> Result:
    return content(text("This is a simple text response for testing."))


async def image_content(ctx: Context, params: types.CallToolRequestParams) -> Result:
    return content(image())


async def audio_content(ctx: Context, params: types.CallToolRequestParams) -> Result:
    return content({"type": "audio", "data": SILENCE, "mimeType": "audio/wav"})


async def embedded_resource(ctx: Context, params: types.CallToolRequestParams) -> Result:
    return content(embedded("test://embedded-resource", "text/plain", "This is an embedded resource content."))


async def multiple_content_types(ctx: Context, params: types.CallToolRequestParams) -> Result:
    data = embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}')
    return content(text("Multiple content types test:"), image(), data)


async def error_handling(ctx: Context, params: types.CallToolRequestParams) -> Result:
    return content(text("This tool intentionally returns an error for testing")) | {"isError": True}


async def with_progress(ctx: Context, params: types.CallToolRequestParams) -> Result:
    for done in (0, 50, 100):
        await ctx.session.report_progress(done, 100)
        await anyio.sleep(PAUSE)
    return content(text("Three steps were reported."))


async def with_logging(ctx: Context, params: types.CallToolRequestParams) -> Result:
    for words in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.session.send_log_message("info", words, related_request_id=ctx.request_id)
        await anyio.sleep(PAUSE)
    return content(text("Three messages were logged."))


async def reconnection(ctx: Context, params: types.CallToolRequestParams) -> Result:
    """Closes its own stream where it has one; the client comes back for the answer."""
    if ctx.close_sse_stream:
        await ctx.close_sse_stream()
    await anyio.sleep(PAUSE * 2)
    return content(text("Reconnection test completed"))


async def header_parameter(ctx: Context, params: types.CallToolRequestParams) -> Result:
    return content(text(str((params.arguments or {}).get("region", ""))))


async def trigger_tool_change(ctx: Context, params: types.CallToolRequestParams) -> Result:
    await BUS.publish(ToolsListChanged())
    await ctx.session.send_tool_list_changed()
    return content(text("told"))


async def trigger_prompt_change(ctx: Context, params: types.CallToolRequestParams) -> Result:
    await BUS.publish(PromptsListChanged())
    await ctx.session.send_prompt_list_changed()
    return content(text("told"))


# ---- tools that ask their client (handshake era)


async def sampling(ctx: Context, params: types.CallToolRequestParams) -> Result:
    words = str((params.arguments or {}).get("prompt", ""))
    message = types.SamplingMessage(role="user", content=types.TextContent(type="text", text=words))
    answer = await ctx.session.create_message([message], max_tokens=100, related_request_id=ctx.request_id)
    said = answer.content.text if isinstance(answer.content, types.TextContent) else ""
    return content(text(f"LLM response: {said}"))


async def ask_user(ctx: Context, message: str, schema: Result) -> str:
    answer = await ctx.session.elicit_form(message, schema, ctx.request_id)
    return f"action={answer.action}, content={json.dumps(answer.content)}"


def form(properties: Result, *required: str) -> Result:
    return {"type": "object", "properties": properties, "required": list(required)}


async def elicitation(ctx: Context, params: types.CallToolRequestParams) -> Result:
    schema = form(
        {
            "username": {"type": "string", "description": "User's response"},
            "email": {"type": "string", "description": "User's email address"},
        },
        "username",
        "email",
    )
    return content(text("User response: " + await ask_user(ctx, str((params.arguments or {}).get("message")), schema)))


async def elicitation_defaults(ctx: Context, params: types.CallToolRequestParams) -> Result:
    schema = form(
        {
            "name": {"type": "string", "default": "John Doe"},
            "age": {"type": "integer", "default": 30},
            "score": {"type": "number", "default": 95.5},
            "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
            "verified": {"type": "boolean", "default": True},
        }
    )
    return content(text("Elicitation completed: " + await ask_user(ctx, "Defaults", schema)))


async def elicitation_enums(ctx: Context, params: types.CallToolRequestParams) -> Result:
    plain = ["option1", "option2", "option3"]
    titled = [{"const": f"value{n}", "title": f"{word} Option"} for n, word in enumerate(("First", "Second"), 1)]
    schema = form(
        {
            "untitledSingle": {"type": "string", "enum": plain},
            "titledSingle": {"type": "string", "oneOf": titled},
            "legacyEnum": {
                "type": "string",
                "enum": ["opt1", "opt2", "opt3"],
                "enumNames": ["Option One", "Option Two", "Option Three"],
            },
            "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
            "titledMulti": {"type": "array", "items": {"anyOf": titled}},
        }
    )
    return content(text("Elicitation completed: " + await ask_user(ctx, "Choices", schema)))


# ---- results that ask for input (the era without a handshake)


def elicit(message: str, field: str, kind: str = "string") -> Result:
    schema = form({field: {"type": kind}}, field)
    return {
        "method": "elicitation/create",
        "params": {"mode": "form", "message": message, "requestedSchema": schema},
    }


def sample(words: str, most: int = 100) -> Result:
    message = {"role": "user", "content": text(words)}
    return {"method": "sampling/createMessage", "params": {"messages": [message], "maxTokens": most}}


ROOTS: Result = {"method": "roots/list", "params": {}}


def asked(requests: Result, state: str | None = None) -> Result:
    return {"resultType": "input_required", "inputRequests": requests} | (
        {"requestState": signed(state)} if state is not None else {}
    )


def signed(state: str) -> str:
    return f"{state}.{hmac.new(KEY, state.encode(), hashlib.sha256).hexdigest()}"


def opened(state: str | None) -> str:
    """The state that we gave out; raises when it is another."""
    plain = (state or "").rpartition(".")[0]
    if not state or not hmac.compare_digest(state, signed(plain)):
        raise MCPError(code=types.INVALID_PARAMS, message="requestState is not ours")
    return plain


def answers(params: types.CallToolRequestParams | types.GetPromptRequestParams) -> dict[str, Any]:
    given = params.input_responses or {}
    return {k: v if isinstance(v, dict) else v.model_dump(by_alias=True, mode="json") for k, v in given.items()}


def told(answer: Result) -> str:
    """What the user or the model said."""
    if isinstance(answer.get("content"), dict):
        inner = answer["content"]
        return str(inner.get("text") or ", ".join(str(v) for v in inner.values()))
    return json.dumps(answer.get("roots", answer))


def one_question(key: str, question: Result, words: str, state: str | None = None) -> Any:
    """A tool that needs one answer, then says `words` with it."""

    async def tool(ctx: Context, params: types.CallToolRequestParams) -> Result:
        given = answers(params)
        if params.request_state is not None:
            opened(params.request_state)
        if key not in given:
            return asked({key: question}, state)
        if state is not None:
            opened(params.request_state)
        return content(text(words.format(told(given[key]))))

    return tool


async def multiple_inputs(ctx: Context, params: types.CallToolRequestParams) -> Result:
    wanted = {
        "user_name": elicit("What is your name?", "name"),
        "greeting": sample("Generate a greeting", 50),
        "client_roots": ROOTS,
    }
    given = answers(params)
    if not wanted.keys() <= given.keys():
        return asked(wanted, "multiple")
    opened(params.request_state)
    return content(text("; ".join(told(given[key]) for key in wanted)))


async def multi_round(ctx: Context, params: types.CallToolRequestParams) -> Result:
    given = answers(params)
    state = opened(params.request_state) if params.request_state is not None else ""
    if state == "round-2" and "step2" in given:
        return content(text(f"Done: {told(given['step2'])}"))
    if state == "round-1" and "step1" in given:
        return asked({"step2": elicit("Step 2: What is your favorite color?", "color")}, "round-2")
    return asked({"step1": elicit("Step 1: What is your name?", "name")}, "round-1")


def able(ctx: Context, ability: str) -> bool:
    abilities = ctx.session.client_capabilities
    return abilities is not None and getattr(abilities, ability) is not None


async def capabilities(ctx: Context, params: types.CallToolRequestParams) -> Result:
    possible = {
        "elicitation": ("name", elicit("What is your name?", "name")),
        "sampling": ("question", sample("Say something")),
    }
    requests = dict(possible[ability] for ability in possible if able(ctx, ability))
    return content(text("done")) if answers(params) or not requests else asked(requests)


async def missing_capability(ctx: Context, params: types.CallToolRequestParams) -> Result:
    if not able(ctx, "sampling"):
        raise MCPError(code=-32021, message="sampling is needed", data={"requiredCapabilities": {"sampling": {}}})
    return content(text("ok"))


SCHEMA_2020 = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
REGION = {"type": "string", "x-mcp-header": "Region"}
ARGUMENTS: dict[str, Result] = {
    "test_sampling": form({"prompt": {"type": "string"}}, "prompt"),
    "test_elicitation": form({"message": {"type": "string"}}, "message"),
    "test_header_parameter": form({"region": REGION}, "region"),
    "json_schema_2020_12_tool": SCHEMA_2020,
}
Tool = Callable[[Context, types.CallToolRequestParams], Awaitable[Result]]
TOOLS: dict[str, Tool] = {
    "test_simple_text": simple_text,
    "test_image_content": image_content,
    "test_audio_content": audio_content,
    "test_embedded_resource": embedded_resource,
    "test_multiple_content_types": multiple_content_types,
    "test_error_handling": error_handling,
    "test_tool_with_progress": with_progress,
    "test_tool_with_logging": with_logging,
    "test_logging_tool": with_logging,
    "test_reconnection": reconnection,
    "test_header_parameter": header_parameter,
    "test_trigger_tool_change": trigger_tool_change,
    "test_trigger_prompt_change": trigger_prompt_change,
    "test_sampling": sampling,
    "test_elicitation": elicitation,
    "test_elicitation_sep1034_defaults": elicitation_defaults,
    "test_elicitation_sep1330_enums": elicitation_enums,
    "test_streaming_elicitation": one_question("user_name", elicit("What is your name?", "name"), "Hello, {}!"),
    "test_missing_capability": missing_capability,
    "test_input_required_result_elicitation": one_question(
        "user_name", elicit("What is your name?", "name"), "Hello, {}!"
    ),
    "test_input_required_result_sampling": one_question(
        "capital_question", sample("What is the capital of France?"), "The answer: {}"
    ),
    "test_input_required_result_list_roots": one_question("client_roots", ROOTS, "Roots: {}"),
    "test_input_required_result_request_state": one_question(
        "confirm", elicit("Please confirm", "ok", "boolean"), "state-ok", "confirming"
    ),
    "test_input_required_result_tampered_state": one_question(
        "confirm", elicit("Please confirm", "ok", "boolean"), "confirmed", "signed"
    ),
    "test_input_required_result_multiple_inputs": multiple_inputs,
    "test_input_required_result_multi_round": multi_round,
    "test_input_required_result_capabilities": capabilities,
    "json_schema_2020_12_tool": simple_text,
}


async def list_tools(ctx: Context, params: types.PaginatedRequestParams | None) -> Any:
    nothing: Result = {"type": "object", "properties": {}}
    return {
        "tools": [
            {"name": name, "description": f"For the suite: {name}.", "inputSchema": ARGUMENTS.get(name, nothing)}
            for name in TOOLS
        ]
    }


async def call_tool(ctx: Context, params: types.CallToolRequestParams) -> Any:
    if params.name not in TOOLS:
        raise MCPError(code=types.INVALID_PARAMS, message=f"Unknown tool: {params.name}")
    return await TOOLS[params.name](ctx, params)


# ---- prompts, resources, the rest


async def list_prompts(ctx: Context, params: types.PaginatedRequestParams | None) -> Any:
    def told_of(name: str, *arguments: str) -> Result:
        wanted = [{"name": a, "description": f"For the suite: {a}.", "required": True} for a in arguments]
        return {"name": name, "description": f"For the suite: {name}.", "arguments": wanted}

    return {
        "prompts": [
            told_of("test_simple_prompt"),
            told_of("test_prompt_with_arguments", "arg1", "arg2"),
            told_of("test_prompt_with_embedded_resource", "resourceUri"),
            told_of("test_prompt_with_image"),
            told_of("test_input_required_result_prompt"),
        ]
    }


async def get_prompt(ctx: Context, params: types.GetPromptRequestParams) -> Any:
    def user(*blocks: Any) -> Result:
        return {"messages": [{"role": "user", "content": block} for block in blocks]}

    given = params.arguments or {}
    if params.name == "test_simple_prompt":
        return user(text("This is a simple prompt for testing."))
    if params.name == "test_prompt_with_arguments":
        return user(text(f"Prompt with arguments: arg1='{given.get('arg1')}', arg2='{given.get('arg2')}'"))
    if params.name == "test_prompt_with_embedded_resource":
        block = embedded(given.get("resourceUri", "test://x"), "text/plain", "Embedded resource content for testing.")
        return user(block, text("Please process the embedded resource above."))
    if params.name == "test_prompt_with_image":
        return user(image(), text("Please analyze the image above."))
    if params.name == "test_input_required_result_prompt":
        said = answers(params)
        if "user_context" not in said:
            return asked({"user_context": elicit("What context should the prompt use?", "context")})
        return user(text(f"In this context: {told(said['user_context'])}"))
    raise MCPError(code=types.INVALID_PARAMS, message=f"Unknown prompt: {params.name}")


RESOURCES = {
    "test://static-text": ("text/plain", {"text": "This is the content of the static text resource."}),
    "test://static-binary": ("image/png", {"blob": RED_PIXEL}),
    "test://watched-resource": ("text/plain", {"text": "Watched."}),
}


async def list_resources(ctx: Context, params: types.PaginatedRequestParams | None) -> Any:
    return {
        "resources": [
            {"uri": uri, "name": uri[7:], "description": f"For the suite: {uri}.", "mimeType": mime}
            for uri, (mime, _) in RESOURCES.items()
        ]
    }


async def list_templates(ctx: Context, params: types.PaginatedRequestParams | None) -> Any:
    template = {"uriTemplate": "test://template/{id}/data", "name": "data", "description": "For the suite: data."}
    return {"resourceTemplates": [template | {"mimeType": "application/json"}]}


async def read_resource(ctx: Context, params: types.ReadResourceRequestParams) -> Any:
    uri = str(params.uri)
    if uri in RESOURCES:
        mime, body = RESOURCES[uri]
        return {"contents": [{"uri": uri, "mimeType": mime} | body]}
    if uri.startswith("test://template/") and uri.endswith("/data"):
        id = uri.removeprefix("test://template/").removesuffix("/data")
        data = {"id": id, "templateTest": True, "data": f"Data for ID: {id}"}
        return {"contents": [{"uri": uri, "mimeType": "application/json", "text": json.dumps(data)}]}
    raise MCPError(code=types.INVALID_PARAMS, message="Resource not found", data={"uri": uri})


async def accept(ctx: Context, params: Any) -> Any:
    return {}


async def complete(ctx: Context, params: types.CompleteRequestParams) -> Any:
    values = [word for word in ("paris", "park", "party") if word.startswith(params.argument.value)]
    return {"completion": {"values": values, "total": len(values), "hasMore": False}}


def stamped(handler: Any) -> Any:
    """In the era without a handshake each result says of which type it is; plain objects do not by themselves."""

    async def wrapped(ctx: Context, params: Any) -> Any:
        result = await handler(ctx, params)
        return {"resultType": "complete"} | result if ctx.protocol_version == "2026-07-28" else result

    return wrapped


def build() -> Server[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # logging is of the past in the newest revision; the older ones have it
        return Server(
            "everything",
            version="1",
            cache_hints={
                method: CacheHint(ttl_ms=0, scope="private")
                for method in (
                    "tools/list",
                    "prompts/list",
                    "resources/list",
                    "resources/templates/list",
                    "resources/read",
                )
            },
            on_list_tools=stamped(list_tools),
            on_call_tool=stamped(call_tool),
            on_list_prompts=stamped(list_prompts),
            on_get_prompt=stamped(get_prompt),
            on_list_resources=stamped(list_resources),
            on_list_resource_templates=stamped(list_templates),
            on_read_resource=stamped(read_resource),
            on_subscribe_resource=stamped(accept),
            on_unsubscribe_resource=stamped(accept),
            on_set_logging_level=stamped(accept),
            on_completion=stamped(complete),
            on_ping=stamped(accept),
            on_subscriptions_listen=ListenHandler(BUS),
        )


async def over_stdio() -> None:
    server = build()
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def main() -> None:
    warnings.simplefilter("ignore")
    if sys.argv[1:2] == ["--http"]:
        app = build().streamable_http_app()
        uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
    else:
        anyio.run(over_stdio)


if __name__ == "__main__":
    main()

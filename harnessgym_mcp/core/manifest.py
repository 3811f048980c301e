"""An artifact's manifest: `plugin.json` with the `io.harnessgym` extension, and `mcp.json` (Agent Plugins 1.0).

`parse_manifest` takes the two files' JSON values and gives an `ArtifactManifest` or raises ManifestError with one
problem per line; it knows nothing of files. Imported lazily: pydantic is not on the switchboard's path.
"""

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from harnessgym_mcp.core import launch
from harnessgym_mcp.core.formats.common import EXTENSION, MCP_SCHEMA, PLUGIN_SCHEMA
from harnessgym_mcp.errors import UsageError

__all__ = [
    "EXTENSION",
    "MCP_SCHEMA",
    "PLUGIN_SCHEMA",
    "ArtifactManifest",
    "Expect",
    "Extension",
    "ManifestError",
    "SelfTest",
    "SelfTestCall",
    "parse_manifest",
]


class ManifestError(UsageError):
    """A manifest does not follow its schema; `problems` is `[(where, what)]`."""

    code = "manifest"

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{where}: {what}" for where, what in problems), hint="see docs/artifacts.md")
        self.problems = problems


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Expect(_Strict):
    """What a self-test call must give. Everything named must hold."""

    isError: bool = False
    text: str | None = None  # contained in the result's text
    textEquals: str | None = None
    textMatches: str | None = None  # regular expression, searched
    structuredContent: Any = None  # subset match: objects by key, lists by position, numbers within `tolerance`
    json_: dict[str, Any] | None = Field(
        None, alias="json"
    )  # "$.a.b[0]" -> value or {approx|min|max|type|contains|length}
    tolerance: float = Field(default=1e-9, ge=0)


class SelfTestCall(_Strict):
    tool: str
    arguments: dict[str, Any] = {}
    expect: Expect = Field(default_factory=lambda: Expect.model_validate({}))


class SelfTest(_Strict):
    """`calls` go through MCP; `command` is run in the sandbox in the artifact's root and must exit 0."""

    calls: list[SelfTestCall] = []
    command: list[str] | None = None


class Dependencies(_Strict):
    python: str = ""
    packages: list[str] = []
    commands: list[str] = []


class PermissionsModel(_Strict):
    network: list[str] = []
    workspace: Literal["none", "read", "write"] = "none"
    env: list[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]] = []
    subprocess: bool = True
    devices: list[str] = []


class LimitsModel(_Strict):
    startup_ms: int | None = Field(default=None, gt=0, le=120_000)
    call_ms: int | None = Field(default=None, gt=0, le=290_000)
    memory_mb: int | None = Field(default=None, gt=0, le=65_536)
    output_bytes: int | None = Field(default=None, gt=0)


class Extension(_Strict):
    """`extensions["io.harnessgym"]` of plugin.json."""

    artifact: Literal[1] = 1
    why: str = ""
    iteration: str = ""
    imported_from: Literal["", "harnessgym", "mcp.json", "mcpb", "claude-plugin", "agent-plugin", "skill"] = ""
    extends: str = ""
    prediction: dict[str, Any] = {}
    dependencies: Dependencies = Dependencies()
    permissions: PermissionsModel = PermissionsModel()
    limits: LimitsModel = LimitsModel()
    determinism: Literal["pure", "seeded", "measured"] = "pure"
    framing: Literal["ndjson", "headers"] | None = None
    self_test: SelfTest = SelfTest()


class _Author(_Strict):
    name: str | None = None
    email: str | None = None
    url: str | None = None


class _Plugin(_Strict):
    schema_: Literal["https://agent-plugins.org/schemas/1.0.0/plugin.schema.json"] = Field(alias="$schema")
    name: str = Field(min_length=1, max_length=64, pattern=r"^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$")
    version: str = "0.1.0"
    description: str = ""
    author: _Author | None = None
    homepage: str | None = None
    repository: str | None = None
    license: str | None = None
    keywords: list[str] = []
    extensions: dict[str, dict[str, Any]] = {}


class _StdioServer(_Strict):
    type: Literal["stdio"]
    command: str = Field(min_length=1)
    args: list[str] = []
    env: dict[str, str] = {}
    cwd: str = Field(
        "${PLUGIN_ROOT}",
        pattern=r"^(?:\./|\$\{PLUGIN_ROOT\}(?:/|$)|\$\{PLUGIN_DATA\}(?:/|$)|\$\{HARNESSGYM_WORKSPACE\}(?:/|$))",
    )

    @field_validator("env")
    @classmethod
    def _own_names(cls, env: dict[str, str]) -> dict[str, str]:
        if taken := sorted(set(env) & {*launch.VARIABLES, "PATH", "HOME", "LD_PRELOAD", "LD_LIBRARY_PATH"}):
            raise ValueError(f"{', '.join(taken)} may not be set")
        return env


class _Mcp(_Strict):
    schema_: Literal["https://agent-plugins.org/schemas/1.0.0/mcp.schema.json"] = Field(alias="$schema")
    mcpServers: dict[str, _StdioServer] = Field(min_length=1, max_length=1)


class ArtifactManifest(_Strict):
    """Both files as one; `launch` is None for an artifact of skills alone."""

    name: str
    version: str
    description: str
    extension: Extension
    command: str = ""
    args: list[str] = []
    env: dict[str, str] = {}
    cwd: str = "${PLUGIN_ROOT}"

    @property
    def kind(self) -> Literal["server", "skill"]:
        return "server" if self.command else "skill"

    def launch(self, wire: launch.Wire | None = None, packages: list[str] | None = None) -> launch.Launch | None:
        """The start recipe, with what qualification measured; None for skills alone."""
        if not self.command:
            return None
        extension = self.extension
        return launch.Launch(
            command=self.command,
            args=self.args,
            env=self.env,
            cwd=self.cwd,
            permissions=msgspec.convert(extension.permissions.model_dump(), launch.Permissions),
            limits=msgspec.convert(extension.limits.model_dump(), launch.ServerLimits),
            wire=wire or launch.Wire(framing=extension.framing or "ndjson"),
            packages=extension.dependencies.packages if packages is None else packages,
            python=extension.dependencies.python,
        )


def parse_manifest(plugin: Any, mcp: Any | None) -> ArtifactManifest:
    """From the values of plugin.json and mcp.json (None where there is none); raises ManifestError."""
    problems: list[tuple[str, str]] = []
    parsed_plugin = _try(_Plugin, plugin, "plugin.json", problems)
    raw_extension = parsed_plugin.extensions.get(EXTENSION, {}) if parsed_plugin else {}
    extension = _try(Extension, raw_extension, f'plugin.json extensions["{EXTENSION}"]', problems)
    parsed_mcp = _try(_Mcp, mcp, "mcp.json", problems) if mcp is not None else None
    if problems or parsed_plugin is None or extension is None:
        raise ManifestError(problems)
    server = next(iter(parsed_mcp.mcpServers.values())) if parsed_mcp else None
    start = server.model_dump(include={"command", "args", "env", "cwd"}) if server else {}
    return ArtifactManifest(
        name=parsed_plugin.name,
        version=parsed_plugin.version,
        description=parsed_plugin.description,
        extension=extension,
        **start,
    )


_M = TypeVar("_M", bound=BaseModel)


def _try(model: type[_M], value: Any, where: str, problems: list[tuple[str, str]]) -> _M | None:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        for item in error.errors(include_url=False, include_input=False, include_context=False):
            path = ".".join(str(part) for part in item["loc"])
            problems.append((f"{where} {path}".strip(), item["msg"]))
        return None

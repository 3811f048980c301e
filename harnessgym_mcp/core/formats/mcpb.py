"""MCP Bundles (`.mcpb`, before that `.dxt`): `manifest.json` of versions 0.1 to 0.4, read and written.

A bundle that is written here carries the whole artifact, `plugin.json` and `mcp.json` included, so that reading it
again gives the same tree; what was added for other readers is named in the manifest's `_meta`.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from harnessgym_mcp.core.formats.common import DATA, ROOT, WORKSPACE, Draft, FormatError, Terms, dump, placed, texts
from harnessgym_mcp.core.formats.entries import draft_of as draft_of_entry
from harnessgym_mcp.core.formats.entries import entry_of
from harnessgym_mcp.core.launch import Launch
from harnessgym_mcp.core.text import cut, one_line

__all__ = ["MANIFEST", "PYPROJECT", "added_by_us", "draft_of", "files_for", "is_manifest"]

MANIFEST, PYPROJECT = "manifest.json", "pyproject.toml"
_META = "io.harnessgym"
_PLACES = {ROOT: "${__dirname}", DATA: "${user_config.data}", WORKSPACE: "${user_config.workspace}"}
_SETTING = re.compile(r"\$\{user_config\.([^}]+)\}")


def is_manifest(value: Any) -> bool:
    """Is this the value of a bundle's manifest.json (and not of some other file of that name)?"""
    return (
        isinstance(value, dict)
        and isinstance(value.get("server"), dict)
        and ("manifest_version" in value or "dxt_version" in value)
    )


def added_by_us(manifest: Any) -> list[str]:
    """The files that an export of ours added to the artifact's own; none for anybody else's bundle."""
    meta = manifest.get("_meta") if isinstance(manifest, dict) else None
    ours = meta.get(_META) if isinstance(meta, dict) else None
    added = ours.get("added") if isinstance(ours, dict) else None
    return [name for name in (MANIFEST, PYPROJECT) if name in added] if isinstance(added, list) else []


# ---- reading


def draft_of(
    manifest: Mapping[str, Any], files: Collection[str], terms: Terms, *, platform: str, packages: Sequence[str] = ()
) -> Draft:
    """The artifact of a bundle with these files. `packages` are those of its pyproject.toml. Raises FormatError."""
    name = manifest.get("name")
    if not isinstance(name, str) or not name.strip():
        raise FormatError("manifest.json name", "there is none")
    settings = _Settings(manifest, terms)
    raw, entry_point = _server(manifest, platform)
    entry = entry_of(name, settings.applied(raw))
    entry.packages += packages
    entry.notes += settings.notes
    description = manifest.get("description") or manifest.get("long_description")
    return draft_of_entry(
        entry,
        entry_point if entry_point in files else "",
        terms,
        origin="mcpb",
        access=settings.access,
        description=str(description or f"{name}, from an MCP bundle"),
        version=str(manifest.get("version") or ""),
        about=manifest,
        inside=files,
    )


def _server(manifest: Mapping[str, Any], platform: str) -> tuple[dict[str, Any], str]:
    """An entry as `.mcp.json` would have it, started in the bundle's folder; and the entry point's path."""
    server = manifest.get("server")
    if not isinstance(server, dict):
        raise FormatError("manifest.json server", "there is none")
    entry_point = str(server.get("entry_point") or "").removeprefix("./")
    config = server.get("mcp_config")
    if not isinstance(config, dict):
        if server.get("type") not in ("uv", "python", "node"):
            raise FormatError("manifest.json server.mcp_config", "there is none")
        runner = "node" if server["type"] == "node" else "python3"
        config = {"command": runner, "args": [f"${{__dirname}}/{entry_point}"]}
    overrides = config.get("platform_overrides")
    chosen = overrides.get(platform) if isinstance(overrides, dict) else None
    whole = {**config, **(chosen if isinstance(chosen, dict) else {})}
    env = {**(config.get("env") or {}), **(whole.get("env") or {})}
    return {"command": whole.get("command"), "args": whole.get("args") or [], "env": env, "cwd": ROOT}, entry_point


class _Settings:
    """The values of `user_config`: given, or their defaults, or what stands for them here."""

    def __init__(self, manifest: Mapping[str, Any], terms: Terms) -> None:
        declared = manifest.get("user_config")
        self.notes: list[str] = []
        self.access = "none"
        self._declared = declared if isinstance(declared, dict) else {}
        self._given = terms.settings

    def applied(self, raw: dict[str, Any]) -> dict[str, Any]:
        """The entry with every `${user_config.*}` replaced; what is optional and unset falls away."""
        args = [word for text in texts(raw["args"], "mcp_config.args") for word in self._argument(text)]
        env = {key: text for key, value in raw["env"].items() if (text := self._variable(key, str(value))) is not None}
        return {**raw, "args": args, "env": env}

    def _argument(self, text: str) -> Iterator[str]:
        names = _SETTING.findall(text)
        if not names:
            yield text
        elif text == f"${{user_config.{names[0]}}}":
            yield from self._values(names[0], "an argument")
        else:
            found = {name: self._values(name, "an argument") for name in names}
            if all(found.values()):
                yield _SETTING.sub(lambda m: ",".join(found[m[1]]), text)

    def _variable(self, key: str, text: str) -> str | None:
        names = _SETTING.findall(text)
        if any(self._option(name).get("sensitive") is True for name in names):
            return f"${{{key}}}"  # from the environment, if it is granted: secrets are not written down
        found = {name: self._values(name, f"the variable {key}") for name in names}
        return _SETTING.sub(lambda m: ",".join(found[m[1]]), text) if all(found.values()) else None

    def _option(self, name: str) -> dict[str, Any]:
        option = self._declared.get(name)
        return option if isinstance(option, dict) else {}

    def _values(self, name: str, where: str) -> list[str]:
        option = self._option(name)
        if name in self._given:
            return self._given[name].split(",") if option.get("multiple") is True else [self._given[name]]
        if option.get("type") == "directory":
            self.access = "read"
            self.notes.append(f"the folder {name!r} of {where} is the workspace")
            return [WORKSPACE]
        default = option.get("default")
        if default is not None and "${" not in str(default):
            values = texts(default if isinstance(default, list) else [default], f"user_config.{name}.default")
            self.notes.append(f"the setting {name!r} is {', '.join(values)!r}, its default")
            return values
        if option and option.get("required") is not True:
            return []
        raise FormatError(f"user_config.{name}", f"{where} needs a value", hint=f"give it: --config {name}=VALUE")


# ---- writing


def files_for(
    plugin: Mapping[str, Any],
    launch: Launch,
    entry_point: str,
    tools: Sequence[Mapping[str, Any]],
    digest: str,
    *,
    uses_data: bool,
) -> dict[str, str]:
    """The files to add to an artifact's own to make it a bundle. `digest` is that of its tree."""
    name, version = str(plugin["name"]), str(plugin.get("version") or "0.1.0")
    added = {PYPROJECT: _pyproject(name, version, launch)} if launch.packages else {}
    meta = {"artifact": 1, "digest": digest, "added": [MANIFEST, *added]}
    description = one_line(str(plugin.get("description") or name), 1000)
    about = {k: plugin[k] for k in ("homepage", "license", "keywords") if k in plugin}
    repository = plugin.get("repository")
    manifest = {
        "manifest_version": "0.4" if launch.packages else "0.3",
        "name": name,
        "version": version,
        "description": description,
        "author": {"name": "unknown"} | dict(plugin.get("author") or {}),
        **({"repository": {"type": "git", "url": repository}} if _is_url(repository) else {}),
        **{k: v for k, v in about.items() if k != "homepage" or _is_url(v)},
        "server": _written_server(launch, entry_point, uses_data),
        "tools": [{"name": str(t["name"]), "description": cut(str(t.get("description", "")), 1000)} for t in tools],
        "compatibility": {"platforms": ["darwin", "linux"]},
        **_user_config(launch, uses_data),
        "_meta": {_META: meta},
    }
    return {MANIFEST: dump(manifest), **added}


def _written_server(launch: Launch, entry_point: str, uses_data: bool) -> dict[str, Any]:
    if launch.packages:
        return {"type": "uv", "entry_point": entry_point, "mcp_config": _config(launch, uses_data, uv=True)}
    kind = {"python3": "python", "python": "python", "node": "node"}.get(launch.command, "binary")
    return {"type": kind, "entry_point": entry_point, "mcp_config": _config(launch, uses_data)}


def _config(launch: Launch, uses_data: bool, *, uv: bool = False) -> dict[str, Any]:
    words = [placed(word, _PLACES) for word in (launch.command, *launch.args)]
    if uv and launch.command in ("python", "python3"):
        words = ["uv", "run", "--directory", "${__dirname}", *words]
    if words[0].startswith("./"):
        words[0] = "${__dirname}" + words[0][1:]
    env = {"PLUGIN_ROOT": "${__dirname}"} | {k: placed(v, _PLACES) for k, v in launch.env.items()}
    env |= {"PLUGIN_DATA": "${user_config.data}"} if uses_data else {}
    env |= {"HARNESSGYM_WORKSPACE": "${user_config.workspace}"} if launch.permissions.workspace != "none" else {}
    env |= {name: f"${{user_config.{name.lower()}}}" for name in launch.permissions.env}
    return {"command": words[0], "args": words[1:], "env": env}


def _user_config(launch: Launch, uses_data: bool) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if launch.permissions.workspace != "none":
        about = "The project that the server works in."
        options["workspace"] = {"type": "directory", "title": "Workspace", "description": about, "required": True}
    if uses_data:
        about = "An empty folder where the server keeps its own files."
        options["data"] = {"type": "directory", "title": "Data", "description": about, "required": True}
    for name in launch.permissions.env:
        about = f"The value of the environment variable {name}."
        options[name.lower()] = {"type": "string", "title": name, "description": about, "sensitive": True}
    return {"user_config": options} if options else {}


def _pyproject(name: str, version: str, launch: Launch) -> str:
    listed = "".join(f"  {_toml(package)},\n" for package in launch.packages)
    python = launch.python if launch.python[:1] in "<>=!~" and launch.python else f">={launch.python or '3.11'}"
    head = f"[project]\nname = {_toml(name)}\nversion = {_toml(version)}\nrequires-python = {_toml(python)}\n"
    return f"{head}dependencies = [\n{listed}]\n\n[tool.uv]\npackage = false\n"


def _toml(text: str) -> str:
    """A basic string: JSON's escapes are among TOML's."""
    import json

    return json.dumps(text, ensure_ascii=True)


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and bool(re.match(r"https?://[^\s/]+", value))

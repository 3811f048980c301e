"""Every finding's id, what it means and what to do: the source of docs/findings.md."""

from collections.abc import Mapping

__all__ = ["FINDINGS", "table"]

FINDINGS: Mapping[str, tuple[str, str]] = {
    # intake
    "intake.unreadable": (
        "There is no such folder, or something in it cannot be read.",
        "Check the path and the permissions.",
    ),
    "intake.not-a-folder": ("What was submitted is a file or a link.", "Submit the folder that holds `plugin.json`."),
    "intake.symlink": ("The tree holds a symbolic link.", "Put the file itself there."),
    "intake.special": ("The tree holds a device, pipe or socket.", "Remove it; only regular files are taken in."),
    "intake.setuid": ("A file has the setuid or setgid bit.", "`chmod u-s,g-s` it."),
    "intake.name": ("A file's name is not portable, or hides something.", "Use letters, digits, `-`, `_` and `.`."),
    "intake.name-long": ("A file's name is too long.", "Shorten it."),
    "intake.collision": ("Two files' names differ only in case or accents.", "Rename one."),
    "intake.too-deep": ("Folders are nested too deep.", "Flatten them."),
    "intake.too-many": ("There are too many files.", "Declare packages instead of shipping them."),
    "intake.too-large": ("A file, or the whole, is too large.", "Make data at run time, in `${PLUGIN_DATA}`."),
    "intake.changed": ("The tree changed while it was read.", "Submit again once nothing writes there."),
    "intake.artifact-name": (
        "The artifact's name is illegal, reserved, or not the expected one.",
        "See the rules in docs/artifacts.md.",
    ),
    "intake.name-collision": (
        "To some clients the name is the same as another artifact's.",
        "Choose a name that differs in more than punctuation.",
    ),
    # manifest
    "manifest.missing": ("There is no `plugin.json`.", "Add one; docs/artifacts.md shows the smallest."),
    "manifest.json": (
        "A manifest is not JSON that all readers understand alike.",
        "Write strict JSON in UTF-8, no key twice.",
    ),
    "manifest.schema": ("A manifest does not follow its schema.", "docs/artifacts.md has every field."),
    "manifest.empty": ("There is neither a server nor a skill.", "Add `mcp.json`, or `skills/<name>/SKILL.md`."),
    "manifest.description": (
        "The artifact's description is very long; a warning when there is none.",
        "Say in one sentence what it is for.",
    ),
    "manifest.too-large": ("A manifest is very large.", "Keep data in files of their own."),
    "manifest.extends": (
        "It extends an artifact that there is not. (warning)",
        "Name an existing one, or leave it out.",
    ),
    "manifest.fetches": (
        "The server is started through a program that fetches or installs.",
        "Ship the server's files; declare `dependencies`.",
    ),
    "manifest.not-executable": ("The command is a file without the executable bit.", "`chmod +x` it."),
    "manifest.missing-file": (
        "The start command names a file that is not in the artifact.",
        "Add the file, or correct the path.",
    ),
    "manifest.path": ("A path leaves the artifact, or is none.", "Stay below `${PLUGIN_ROOT}`."),
    "manifest.absolute-path": (
        "The start command holds a path of one machine.",
        "Use `${PLUGIN_ROOT}`, `${PLUGIN_DATA}` or `${HARNESSGYM_WORKSPACE}`.",
    ),
    "manifest.permission": (
        "It asks for more than policy grants, or uses what it does not ask for.",
        "Do without, ask for it, or let a person allow it in `config.toml`.",
    ),
    "manifest.requirement": ("A requirement is not a package's name with a version.", "No URLs, paths or options."),
    "manifest.command": (
        "A program that a skill declares is not on this machine. (warning)",
        "Have it installed, or do without.",
    ),
    "manifest.skill": ("A SKILL.md breaks the rules of Agent Skills.", "See agentskills.io."),
    "manifest.skill-key": ("Front matter holds a key that nobody reads. (info)", "Put it below `metadata`."),
    # lint
    "lint.syntax": ("The server's source is not Python.", "Correct it."),
    "lint.undeclared-import": (
        "An import that nothing provides; a warning in files that the server does not use.",
        "Declare it in `dependencies.packages`, or do without.",
    ),
    "lint.machine-path": ("A file holds a path of one machine.", "Take it as an argument, or from the environment."),
    "lint.install-code": (
        "Something would run at installation or interpreter start, or installs packages.",
        "Declare `dependencies`.",
    ),
    "lint.hidden-characters": (
        "Text or source holds invisible or bidirectional control characters.",
        "Delete them; write escapes where code needs them.",
    ),
    "lint.terminal-code": ("Text holds terminal control codes.", "Delete them."),
    "lint.instruction": ("Text for models gives orders to its reader.", "Describe; do not instruct or hide."),
    "lint.pipe-to-shell": ("A download is piped into an interpreter.", "Ship what is needed."),
    # boot
    "boot.packages": ("The declared packages cannot be installed.", "Correct the requirements; wheels only."),
    "boot.command": (
        "A program that it declares, or is started with, is not on this machine.",
        "Have it installed, or do without.",
    ),
    "boot.not-started": ("The start command cannot be executed.", "Correct `command`."),
    "boot.exited": ("The server ended before it shook hands.", "Read the end of its stderr; run it by hand."),
    "boot.silent": ("The server did not answer in time.", "Read stdin line by line, answer with one line each, flush."),
    "boot.garbled": ("The first answer is not MCP.", "Write nothing but JSON-RPC messages to stdout."),
    "boot.refused": ("The server answered the handshake with an error.", "Answer `initialize` with a result."),
    "boot.no-list": ("`tools/list` is not answered properly.", "Answer with `{tools: [...]}`."),
    "boot.no-tools": ("`tools/list` is empty.", "List at least one tool."),
    "boot.tool-name": (
        "A tool's name is illegal, or too long for some client.",
        "Use up to 128 of `A-Za-z0-9_.-`; shorten it as told.",
    ),
    "boot.tool-twice": ("Two tools have the same name.", "Rename one."),
    "boot.tool-collision": ("Two tools are one to some clients.", "Let them differ in more than punctuation and case."),
    "boot.definition": (
        "A field of a tool's definition has the wrong type; clients then refuse the whole list.",
        "Write what MCP's schema of a tool says.",
    ),
    "boot.schema": (
        "An input or output schema is missing or illegal.",
        "Write JSON Schema 2020-12; the root is an object's.",
    ),
    "boot.description": (
        "A tool's description is missing or very long. (warning)",
        "Say in a sentence what it does and when to use it.",
    ),
    "boot.definition-size": ("A tool's definition is very large.", "Say what a caller needs before the call."),
    "boot.version": ("The negotiated protocol version does not exist. (warning)", "Answer with the version asked for."),
    "boot.duplicate": (
        "Another artifact has this very tool; a warning when nearly so.",
        "Use or extend that artifact.",
    ),
    "boot.hidden-characters": ("A definition holds invisible characters.", "Delete them."),
    "boot.terminal-code": ("A definition holds terminal control codes.", "Delete them."),
    "boot.instruction": (
        "A definition or a prompt gives orders to the model that reads it; a warning in resources.",
        "Describe what the tool does.",
    ),
    "boot.pipe-to-shell": ("A definition pipes a download into an interpreter.", "Ship what is needed."),
    # self-test
    "self-test.uncovered": ("No self-test call succeeds with this tool.", "Add a call with what its answer must hold."),
    "self-test.schema": (
        "Every call that is to succeed with a tool breaks the tool's own inputSchema; a warning when only some do.",
        "Let the schema allow what the tool takes, or correct the calls.",
    ),
    "self-test.unknown-tool": (
        "A self-test call names a tool that is not listed.",
        "Use the server's own name for it.",
    ),
    "self-test.no-error-call": (
        "No call expects an error though arguments are required; info where none is.",
        "Add a call with `expect: {isError: true}`.",
    ),
    "self-test.mismatch": ("A call's answer is not what the self-test expects.", "Correct the tool or the test."),
    "self-test.died": ("The server died in a self-test call.", "Catch the error, answer with `isError: true`."),
    "self-test.timeout": ("A self-test call took too long.", "Make it faster, or declare `limits.call_ms`."),
    "self-test.hung": (
        "After that call the server answers nothing any more.",
        "Never block the loop that reads requests.",
    ),
    "self-test.garbled": ("An answer cannot be read.", "Answer with one JSON object in Unicode."),
    "self-test.rpc-error": (
        "A failing call was answered with a JSON-RPC error. (info)",
        "Models see a result with `isError` better.",
    ),
    "self-test.command": ("The command of the self-test fails.", "Make it exit 0 in the artifact's folder."),
    # sabotage
    "sabotage.unnoticed": (
        "The self-test also passes when the answers are spoilt.",
        "Expect what only the right answer holds.",
    ),
    # protocol
    "protocol.died": (
        "The server did not outlive a message that any client may send.",
        "Catch what goes wrong with one message.",
    ),
    "protocol.ping": ("`ping` is not answered with an empty result. (warning)", "Answer `{}`."),
    "protocol.unknown-method": (
        "An unknown method is not answered with an error. (warning)",
        "Answer with error -32601.",
    ),
    "protocol.unknown-tool": (
        "A call of an unknown tool is not answered with an error. (warning)",
        "Answer with an error.",
    ),
    "protocol.list-changed": (
        "It announces changes of its tools again and again, though there are none.",
        "Announce nothing; list the same tools always.",
    ),
    "protocol.drift": ("The definitions changed while the server ran.", "List the same tools always."),
    # fuzz
    "fuzz.died": ("The server did not outlive a valid or nearly valid call.", "Check the arguments, catch the error."),
    "fuzz.hung": ("A call stops the whole server.", "Check the arguments first; bound every loop and pattern."),
    "fuzz.slow": ("A call takes very long. (warning)", "Bound the work, or declare a maximum."),
    "fuzz.garbled": ("An answer cannot be read.", "Answer with one JSON object in Unicode."),
    "fuzz.shape": (
        "A result's `content` is no list of complete blocks.",
        'Answer with `{content: [{type: "text", ...}]}`.',
    ),
    "fuzz.output-schema": ("An answer does not keep the declared `outputSchema`.", "Make both agree, or drop it."),
    "fuzz.hidden-characters": ("An answer holds invisible characters that were not put in.", "Answer in plain text."),
    "fuzz.terminal-code": ("An answer holds terminal codes that were not put in.", "Answer in plain text."),
    "fuzz.instruction": (
        "Answers give orders to their reader; a warning unless all of a tool's do.",
        "Answer with what was asked.",
    ),
    "fuzz.pipe-to-shell": ("An answer pipes a download into an interpreter. (warning)", "Answer with what was asked."),
    "fuzz.constant": (
        "Different calls are all answered alike; an error where the answer should differ.",
        "Let the answer depend on the arguments.",
    ),
    "fuzz.accepts-invalid": ("Invalid calls succeed. (warning)", "Check arguments against the schema."),
    "fuzz.refuses-valid": (
        "Every generated valid call was refused. (info)",
        "Say in the schema which values there are.",
    ),
    "fuzz.pattern": ("A pattern of the schema takes exponential time. (warning)", "Simplify it."),
    # concurrency
    "concurrency.died": ("Many calls at once ended the server.", "Lock what threads share."),
    "concurrency.missing": ("Of many calls at once, some were not answered.", "Answer every request by its own id."),
    "concurrency.mixed-up": ("A call got another's answer.", "Nothing of a call in a global."),
    # portability
    "portability.boot": (
        "It starts in one place and not in another.",
        "Take paths from PLUGIN_ROOT and PLUGIN_DATA; quote them.",
    ),
    "portability.restart": (
        "It does not start again over its own data.",
        "Read what an earlier run left, or pass it over.",
    ),
    "portability.drift": (
        "It lists other definitions in another place or at another start.",
        "List the same tools always.",
    ),
    "portability.self-test": (
        "A self-test call passes in one place and fails in another.",
        "Depend on no path, home, zone, language, hash order or clock.",
    ),
    "portability.nondeterministic": (
        "The same call is answered differently.",
        "Sort sets, leave out times; or declare `determinism: measured`.",
    ),
    # regression
    "regression.tool-gone": (
        "The version before has a tool that this one lacks.",
        "Keep it, or submit under another name.",
    ),
    "regression.self-test": ("The self-test of the version before fails.", "Keep what callers rely on."),
    "regression.recorded-call": (
        "A recorded call fails now; a warning unless the server died.",
        "Answer it as before.",
    ),
    # footprint
    "footprint.stray-stdout": ("stdout carries lines that are no messages.", "Print to stderr."),
    "footprint.unasked": ("Answers came twice, or to ids that nobody used.", "Answer each request once, with its id."),
    "footprint.answers-notifications": ("Notifications are answered. (warning)", "Answer only what has an id."),
    "footprint.reads-credentials": (
        "It opened a credential file in the home folder.",
        "Take what is needed as an argument.",
    ),
    "footprint.leaks-credentials": ("An answer held a credential file's content.", "Read nothing in the home folder."),
    "footprint.self-modified": ("Its own files changed.", "Write below `${PLUGIN_DATA}`."),
    "footprint.workspace-write": (
        "It wrote to a workspace that it may only read.",
        "Ask for `workspace: write`, or write below `${PLUGIN_DATA}`.",
    ),
    "footprint.ignores-eof": ("It stays when its stdin has ended.", "Leave the read loop at end of file."),
    "footprint.daemon": ("It leaves processes behind that are not its children.", "End helpers with the server."),
    "footprint.bounds": ("It broke a bound on memory, processes or disk and was ended.", "Use less."),
    "footprint.output": (
        "An answer is larger than declared or allowed; a warning when clients would cut it.",
        "Cut or page it.",
    ),
    # the machine and the gate itself
    "isolation.unconfined": (
        "Only a tier that contains nothing works here.",
        "Install bubblewrap; `harnessgym doctor` says more.",
    ),
    "gate.isolation": ("The sandbox that policy asks for does not work here.", "See `harnessgym doctor`."),
    "gate.busy": ("Other qualifications took all the time.", "Submit again."),
    "gate.timeout": ("The whole qualification took too long.", "Make start and calls faster."),
    "gate.disk": (
        "The disk was full, which other findings may come from.",
        "Free some space, or set `TMPDIR`; submit again.",
    ),
    "gate.died": ("The qualification's process died.", "Submit again; report it if it happens again."),
    "gate.not-started": ("The qualification's process could not be started.", "Look at the machine's limits."),
    "gate.machine": ("Something on this machine failed.", "Follow its hint, submit again."),
    "gate.internal": ("A stage failed itself.", "Report it as a defect of HarnessGym."),
}


def table() -> str:
    """docs/findings.md, whole."""
    rows = [f"| `{id}` | {meaning} | {fix} |" for id, (meaning, fix) in FINDINGS.items()]
    return "\n".join([_HEAD, *rows, ""])


_HEAD = """# Findings

What the clean room says of an artifact. An id is stable; its first part is the stage. Unless the meaning says
otherwise a finding is an error and rejects; warnings and infos never do. Each finding also carries `what` was seen,
`where`, the `fix`, and where a call shows it, a `repro` that can be pasted.

Findings of `gate` and `isolation` blame the machine, not the artifact (`gate.timeout` excepted): they cost no repair.

| id | meaning | fix |
|---|---|---|"""

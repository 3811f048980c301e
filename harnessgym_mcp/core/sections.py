"""All policy numbers, in one place, by section: times in seconds, sizes in bytes, unless a name says otherwise."""

from dataclasses import dataclass

__all__ = [
    "Agents",
    "Compare",
    "Context",
    "Dashboard",
    "Doctor",
    "Grants",
    "Http",
    "Isolation",
    "Lifecycle",
    "Limits",
    "Loop",
    "Mounts",
    "Qualify",
    "Telemetry",
    "Timeouts",
]

KIB, MIB = 1024, 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes of what is taken in and given out."""

    frame_bytes: int = 64 * MIB  # one JSON-RPC message, either way
    artifact_bytes: int = 16 * MIB
    artifact_files: int = 2000
    file_bytes: int = 8 * MIB
    artifact_depth: int = 32  # folders within folders
    name_bytes: int = 200  # one file's or folder's name in UTF-8
    inline_bytes: int = 2 * MIB  # all of `files` in one submit_artifact
    result_chars: int = 38_000  # a control tool's answer: clients cut or refuse above 40,000
    error_chars: int = 2000  # error text kept in telemetry
    callable_chars: int = 64  # the longest name a client may build: mcp__harnessgym__<artifact>__<tool>
    list_page: int = 1000
    iterations: int = 1000  # the newest that are kept; open ones always are
    stderr_bytes: int = 16 * KIB  # the tail of a server's stderr that is kept


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long anything may take."""

    start: float = 20.0  # spawn to handshake done
    call: float = 290.0  # Codex gives up at 300
    idle: float = 900.0  # a mounted server without a call is stopped
    relist: float = 1.5  # wait for the client's re-list after list_changed
    submit: float = 240.0  # then a ticket is returned
    close: float = 2.0  # between EOF and SIGKILL
    close_hurried: float = 0.1  # the same when a signal ends us: a client may kill us soon after it
    drain: float = 30.0  # after EOF on stdin: for the answers still under way
    flush: float = 0.25  # for rows to reach the disk, or the last frames to a client that is leaving
    last_rows: float = 0.12  # for the last telemetry rows after a signal; Claude kills after 150 ms
    lock: float = 15.0  # wait for another process that holds a file of the home


@dataclass(frozen=True, slots=True)
class Mounts:
    """The lives of mounted servers."""

    concurrency: int = 32  # calls under way in one server; further ones wait
    queue: int = 1024  # calls waiting for one server; further ones are refused
    queue_bytes: int = 64 * MIB
    buffer_bytes: int = 8 * MIB  # unread output after which a pipe's other side is paused
    backoff_first: float = 0.1
    backoff_most: float = 30.0
    circuit_failures: int = 5  # deaths in a row without an answer between; then the circuit opens
    circuit_rest: float = 60.0  # and after this long one call may try again
    relist_pause: float = 0.5  # between two looks at lists whose server announces changes all the time


@dataclass(frozen=True, slots=True)
class Qualify:
    """What the clean room asks."""

    repairs: int = 2  # resubmissions after the first rejection
    require_slot: bool = True  # submit_artifact needs this session's open build slot
    start: float = 20.0
    call: float = 60.0
    total: float = 230.0
    patience: float = 1.5  # silence at start after which the other framing is tried as well
    output_bytes: int = 4 * MIB  # one answer, where the manifest declares no other bound
    at_once: int = 4
    fuzz_cases: int = 24  # valid ones for each tool; twice as many near-valid ones
    fuzz_call: float = 6.0
    fuzz_total: float = 20.0
    concurrency_calls: int = 16
    eof_grace: float = 2.0  # a server must leave within this time of EOF
    answer: float = 2.0  # what is no work (a ping, a list) must be answered within this time
    busy: float = 5.0  # at most so many times longer, when the machine has more to do than it has processors
    workspace_bytes: int = 256 * MIB  # of the fresh copy that a room gets
    workspace_files: int = 20_000
    sample_calls: int = 20  # recorded calls replayed against a new version


@dataclass(frozen=True, slots=True)
class Grants:
    """The most that a manifest's permissions may ask for."""

    network: bool = False
    workspace: str = "write"  # none | read | write
    env: tuple[str, ...] = ()
    packages: bool = True  # Python packages from an index, into an environment of their own
    sampling: bool = False
    elicitation: bool = False
    roots: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """How much of a model's context the listed tools may take."""

    expose: str = "auto"  # all | search | auto
    budget_tokens: int = 20_000  # of all listed mounted tools together, estimated
    recent_days: float = 14.0  # used or published within this time counts as in use


@dataclass(frozen=True, slots=True)
class Isolation:
    """The sandbox and its bounds."""

    tier: str = "auto"  # auto | A | B | C | D
    allow_unconfined: bool = False  # may tier D promote an artifact?
    memory_mb: int = 2048
    processes: int = 128
    file_mb: int = 256
    open_files: int = 512
    cpu_seconds: int = 3600
    tmp_mb: int = 256
    data_mb: int = 1024  # all of a server's data folder
    look: float = 0.05  # between two looks at what a server uses, in the clean room
    look_mounted: float = 1.0  # and while it is mounted
    cool_down_days: int = 7  # packages that appeared later than this many days ago are not installed
    install: float = 180.0  # for one set of packages
    probe: float = 15.0  # for one tier, when it is chosen


@dataclass(frozen=True, slots=True)
class Telemetry:
    """The record of calls."""

    flush: float = 0.03  # until a call is in the journal; without a call for as long, rows are written
    flush_busy: float = 0.25  # the same while many calls come
    delay: float = 0.25  # that a row waits for such a pause
    light: int = 2000  # calls within `delay`; with more, rows wait for a pause however long it takes
    queue: int = 50_000  # calls waiting for the journal; further ones are counted as dropped
    batch: int = 2000  # rows in one transaction
    journal_bytes: int = 256 * MIB  # with more in the journal, rows wait for no pause
    busy: float = 2.0  # wait for another writer of the same file
    retry: float = 1.0  # after a write that failed (disk full, read-only)
    capture: bool = False  # keep argument values (secrets redacted)
    capture_bytes: int = 4 * KIB
    keep_days: int = 365  # `harnessgym telemetry retention` lets go of older rows
    otel: bool = False  # also tell an OpenTelemetry collector (the extra `otel`)
    otel_endpoint: str = ""  # its base URL; "": as OTEL_EXPORTER_OTLP_ENDPOINT says


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The web page on this machine."""

    port: int = 8791  # another free one where this is taken
    look: float = 0.3  # between two looks at the calls' file, for the live page
    ping: float = 15.0  # between signs of life on a live connection
    close: float = 1.0  # for open connections at the end
    live_rows: int = 100  # calls shown at first, and kept on the live page
    series_calls: int = 50_000  # the newest calls that a chart of one tool is made of
    buckets: int = 48  # bars of a chart over time
    form_bytes: int = 4 * KIB
    diff_bytes: int = 256 * KIB  # a longer file is told, not compared
    diff_lines: int = 2000  # of all files together
    report_bytes: int = 64 * MIB
    runs: int = 200  # the newest that are listed


@dataclass(frozen=True, slots=True)
class Http:
    """The front for several clients, `serve --transport http`."""

    port: int = 8790
    body_bytes: int = 16 * MIB  # of one request
    sessions: int = 1000  # open at once
    idle: float = 1800.0  # until a session without requests is closed
    retry: float = 1.0  # after which a client whose stream broke comes back
    replay_bytes: int = 32 * MIB  # of what was sent, kept for clients that come back
    queue: int = 1000  # notifications that wait for one client to read; further ones are counted and let go
    token_chars: int = 16  # the least of a bearer token
    close: float = 1.0  # for open streams at the end


@dataclass(frozen=True, slots=True)
class Agents:
    """How a coding agent's program is run and what is kept of it."""

    settle: float = 1.0  # after it exits, until what it left running is told to go
    grace: float = 5.0  # between SIGTERM and SIGKILL
    transcript_bytes: int = 64 * MIB  # each of stdout and stderr; further bytes are counted and dropped
    line_bytes: int = 16 * MIB  # one event of its stream; longer ones are kept in the transcript, not read
    message_chars: int = 20_000  # its last words, as kept in the record
    notes: int = 20  # odd things told about one turn
    tool_start: float = 30.0  # an agent's wait for the MCP entry to shake hands
    tool_call: float = 300.0  # and for one tool call
    identify: float = 20.0  # for a program to tell its version
    drain: float = 2.0  # for output still in a pipe when nothing of the program runs any more
    stuck: float = 30.0  # beyond its own deadlines, until the supervising process is killed
    script_wait: float = 10.0  # a script's wait for a tool, where it does not say how long
    script_run: float = 60.0  # and for a command


@dataclass(frozen=True, slots=True)
class Compare:
    """What a comparison promises unless its design says otherwise."""

    trials: int = 8  # pairs of each task
    alpha: float = 0.05
    power: float = 0.8
    worthwhile: float = 0.05  # smallest effect worth having: share for ratios, else in the metric's unit
    retries: int = 2  # of one trial, for infrastructure causes only
    retry_pause: float = 1.0  # before the first of them; twice as long before each further one
    least_pairs: int = 6  # below: descriptive only
    least_per_group: int = 4  # the same, unpaired
    exact_most: int = 32  # values that rearrangements are counted for; above, drawn
    draws: int = 20_000
    bootstrap_draws: int = 4000
    attempt: float = 300.0  # seconds for one attempt
    score: float = 120.0  # seconds for the verifier
    at_once: int = 0  # trials on this machine at once; 0: one for each two of its processors
    grace: float = 240.0  # beyond attempt and verifier, until a trial's process counts as lost
    snapshots: int = 6  # of a workspace during an attempt, where a design has a threshold
    kept_bytes: int = 4 * MIB  # of what an attempt changed, kept with its trial
    kept_files: int = 200
    audited: int = 40  # files of the bundle that are tried as the result
    needles: int = 200  # pieces of the held-out files that are looked for in the bundle


@dataclass(frozen=True, slots=True)
class Loop:
    """What `harnessgym run` takes where it is not told otherwise."""

    iterations: int = 3
    attempt: float = 2700.0  # budget of one attempt
    build: float = 1200.0  # of a build, repairs included, and of a reflection
    score: float = 120.0  # for the score command
    score_bytes: int = MIB  # of its output; more is no score
    snapshot_bytes: int = 2048 * MIB  # of one state of the workspace
    snapshot_files: int = 100_000
    message_chars: int = 2000  # an agent's last words in the record
    look: float = 1.0  # between two looks at the calls, for the progress line
    survivors: float = 60.0  # for what an interrupted run has left running to be gone


@dataclass(frozen=True, slots=True)
class Doctor:
    """When `harnessgym doctor` finds something amiss."""

    check: float = 30.0  # for one check; what has not answered then has failed
    sample: float = 120.0  # for the sample server, from the clean room to its answer
    version: float = 10.0  # for a client to tell its version
    free_mb: int = 1024  # of disk; less is worth a warning
    free_least_mb: int = 64  # and less than this a failure
    clock_skew: float = 5.0  # between this machine's clock and the file system's, or a record from the future


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """When artifacts are old."""

    stale_sessions: int = 20  # sessions that used the harness, in a row, without a call of an artifact
    keep_versions: int = 5  # of each artifact, beside the current one; `prune` offers the older ones
    regression_calls: int = 5  # of a tool in each of two versions, before they are compared
    regression_ratio: float = 1.5  # of their medians, from which the newer counts as slower
    regression_failures: float = 0.2  # more of the calls failing than before counts as worse
    prune_age: float = 3600.0  # younger leftovers may belong to something under way

"""Verdicts made on this machine, signed with its own key: tamper evidence, not authority.

    <state>/machine.key             32 random bytes, 0600
    <state>/verdicts/<hex>.json     DSSE envelope around an in-toto Statement v1 that holds the verdict
    <state>/versions/<hex>.json     DSSE envelope around the published version, from which a lost registry is rebuilt

Formats: DSSE 1.0.2 (pre-authentication encoding), in-toto Statement v1. The signature is HMAC-SHA256.
"""

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Any, Literal

import msgspec

from harnessgym_mcp.core.lifecycle import Version
from harnessgym_mcp.core.policy import Timeouts
from harnessgym_mcp.core.records import decoded
from harnessgym_mcp.core.verdict import Verdict
from harnessgym_mcp.errors import StateError
from harnessgym_mcp.store.atomic import Step, locked, no_step, remove_partial, set_aside, write_atomic
from harnessgym_mcp.store.home import hex_of

__all__ = ["Published", "VerdictStore"]

PREDICATE = "https://harnessgym.io/qualification/v1"
_STATEMENT = "application/vnd.in-toto+json"
_VERSION = "application/vnd.harnessgym.version+json"


class Published(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A version as it was published, and the homes it was published in."""

    name: str
    kind: Literal["server", "skill"]
    version: Version
    extends: str = ""
    homes: list[str] = []


class _Signature(msgspec.Struct):
    keyid: str
    sig: str


class _Envelope(msgspec.Struct):
    payloadType: str
    payload: str
    signatures: list[_Signature]


class VerdictStore:
    """The verdicts of one state folder; safe for several processes."""

    def __init__(self, state: Path, *, step: Step = no_step, timeout: float = Timeouts().lock) -> None:
        self._state = state
        self._step = step
        self._timeout = timeout
        self._key: bytes | None = None
        self.notes: list[str] = []

    def save(self, verdict: Verdict) -> None:
        """Keep a verdict under its digest, in place of a former one. Raises StateError."""
        payload = msgspec.json.encode(self.statement(verdict))
        self._write("verdicts", verdict.digest, _STATEMENT, payload)
        self._step("verdict saved")

    def load(self, digest: str) -> Verdict | None:
        """The verdict of a tree; None unless it was made on this machine and is unchanged since."""
        payload = self._read("verdicts", digest, _STATEMENT)
        if payload is None:
            return None
        try:
            verdict = msgspec.convert(decoded(payload, dict)["predicate"]["verdict"], Verdict)
        except (msgspec.MsgspecError, KeyError, TypeError):
            return None
        return verdict if verdict.digest == digest else None

    def tampered(self, digest: str) -> bool:
        """Is there a verdict that claims to be this machine's but was changed or moved? (Another machine's is not.)"""
        envelope = self._envelope("verdicts", digest)
        if envelope is None:
            return self._path("verdicts", digest).exists()
        ours = any(s.keyid == self._keyid() for s in envelope.signatures)
        return ours and self.load(digest) is None

    def statement(self, verdict: Verdict) -> dict[str, Any]:
        """In-toto Statement v1 about a verdict: digest, isolation, pins, stages and policy, and the verdict itself."""
        from harnessgym_mcp.core.digest import pins

        return {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": verdict.name, "digest": {"sha256": hex_of(verdict.digest)}}],
            "predicateType": PREDICATE,
            "predicate": {
                "verifier": {"id": "harnessgym", "version": verdict.harnessgym},
                "timeVerified": verdict.started_at,
                "result": "PASSED" if verdict.qualified else "FAILED",
                "policy": verdict.policy_digest,
                "isolation": msgspec.to_builtins(verdict.isolation),
                "pins": pins(verdict.tools),
                "stages": msgspec.to_builtins(verdict.stages),
                "verdict": msgspec.to_builtins(verdict),
            },
        }

    def save_version(self, published: Published) -> None:
        """Keep a published version under its digest; the homes of a former entry stay. Raises StateError."""
        former = self.load_version(published.version.digest)
        homes = sorted({*published.homes, *(former.homes if former else [])})
        payload = msgspec.json.encode(msgspec.structs.replace(published, homes=homes))
        self._write("versions", published.version.digest, _VERSION, payload)
        self._step("version saved")

    def load_version(self, digest: str) -> Published | None:
        """A published version; None unless this machine wrote it and it is unchanged since."""
        payload = self._read("versions", digest, _VERSION)
        try:
            published = decoded(payload, Published) if payload else None
        except msgspec.MsgspecError:
            return None
        return published if published and published.version.digest == digest else None

    def versions_of(self, home: Path) -> list[Published]:
        """All versions that were published in a home, oldest first."""
        digests = [f"sha256:{p.stem}" for p in (self._state / "versions").glob("[0-9a-f]*.json") if len(p.stem) == 64]
        found = [p for p in map(self.load_version, digests) if p and str(home) in p.homes]
        return sorted(found, key=lambda p: p.version.published_at)

    def recover(self) -> int:
        """Remove what killed writers left behind; gives how many files."""
        with locked(self._state / ".lock", self._timeout):
            return sum(remove_partial(self._state / name) for name in ("machine.key", "verdicts/*", "versions/*"))

    def _path(self, folder: str, digest: str) -> Path:
        return self._state / folder / f"{hex_of(digest)}.json"

    def _write(self, folder: str, digest: str, kind: str, payload: bytes) -> None:
        signature = _Signature(self._keyid(create=True), _b64(self._sign(kind, payload)))
        data = msgspec.json.encode(_Envelope(kind, _b64(payload), [signature]))
        with locked(self._state / ".lock", self._timeout):
            write_atomic(self._path(folder, digest), data, mode=0o600, step=self._step)

    def _read(self, folder: str, digest: str, kind: str) -> bytes | None:
        """The payload, if its signature is ours and right (it covers `kind` as well)."""
        envelope = self._envelope(folder, digest)
        if envelope is None or self._machine_key() is None:
            return None
        try:
            payload = base64.b64decode(envelope.payload, validate=True)
        except ValueError:
            return None
        right = _b64(self._sign(kind, payload)).encode()
        good = any(hmac.compare_digest(s.sig.encode(), right) for s in envelope.signatures)
        return payload if good else None

    def _envelope(self, folder: str, digest: str) -> _Envelope | None:
        try:
            return decoded(self._path(folder, digest).read_bytes(), _Envelope)
        except (OSError, msgspec.MsgspecError):
            return None

    def _sign(self, kind: str, payload: bytes) -> bytes:
        encoded = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
        return hmac.new(self._machine_key() or b"", encoded, hashlib.sha256).digest()

    def _keyid(self, *, create: bool = False) -> str:
        """Names the key without giving it away."""
        key = self._machine_key(create=create)
        return "machine:" + hashlib.sha256(b"harnessgym key id\0" + key).hexdigest()[:16] if key else ""

    def _machine_key(self, *, create: bool = False) -> bytes | None:
        if self._key is None:
            self._key = self._load_key() or (self._make_key() if create else None)
        return self._key

    def _load_key(self) -> bytes | None:
        try:
            key = (self._state / "machine.key").read_bytes()
        except OSError:
            return None
        return key if len(key) == 32 else None

    def _make_key(self) -> bytes:
        path = self._state / "machine.key"
        with locked(self._state / ".lock", self._timeout):
            there = self._load_key()
            if there:
                return there
            if os.path.lexists(path):
                self.notes.append(f"the damaged machine key was set aside as {str(set_aside(path))!r}")
            write_atomic(path, secrets.token_bytes(32), mode=0o600, step=self._step)
        key = self._load_key()
        if key is None:
            raise StateError(f"{str(path)!r} cannot be read back", hint="check the folder, or use --state")
        return key


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()

"""A workshop for trees, verdicts and versions; used by the tests and by the processes that they start."""

import os
from pathlib import Path
from typing import Literal

from harnessgym_mcp.core.lifecycle import Registry, Version, decode_registry
from harnessgym_mcp.core.policy import Limits
from harnessgym_mcp.core.verdict import StageResult, Verdict, finding
from harnessgym_mcp.store.evidence import read_evidence
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.publish import Stores, publish, reject
from harnessgym_mcp.store.tree import scan_tree, survey

OUTCOMES = {
    "publish the first": [None, "active one"],
    "publish another": ["active one", "active two"],
    "reject": ["active one", "active one + bad"],
    "reject again": ["active one + bad"],
    "roll back": ["active two", "active one"],
    "archive": ["active one", "archived one"],
    "restore": ["archived one", "active one"],
}
"""What each transition of crash_driver.py goes from and to."""


class Workshop:
    """Makes artifacts whose content is told apart by one word."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def tree(self, word: str) -> Path:
        folder = self.root / word
        if not folder.exists():
            (folder / "bin").mkdir(parents=True)
            (folder / "plugin.json").write_text(f'{{"name": "demo", "word": "{word}"}}')
            (folder / "bin" / "serve.py").write_text(f"print({word!r})\n")
            (folder / "bin" / "serve.py").chmod(0o755)
        return folder

    def digest(self, word: str) -> str:
        return survey(self.tree(word), Limits())[0].digest

    def verdict(self, word: str, status: Literal["qualified", "rejected"] = "qualified", name: str = "demo") -> Verdict:
        return Verdict(
            status=status,
            name=name,
            version="0.1.0",
            digest=self.digest(word),
            kind="server",
            findings=[] if status == "qualified" else [finding("boot.dead", "it died at once", fix="do not die")],
            stages=[StageResult(id="boot", status="passed" if status == "qualified" else "failed", ms=1.5)],
            isolation=None,
            started_at=1000.0,
            harnessgym="0.1.0",
        )

    def version(self, word: str, at: float = 0.0) -> Version:
        return Version(digest=self.digest(word), description=word, published_at=at)

    def publish(self, stores: Stores, word: str, at: float = 0.0, name: str = "demo") -> Registry:
        return publish(stores, name, self.tree(word), self.verdict(word, name=name), self.version(word, at))

    def reject(self, stores: Stores, word: str) -> Path:
        return reject(stores, "demo", self.tree(word), self.verdict(word, "rejected"), "s-1")


def check_whole(home: Home) -> Registry:
    """After recovery: what the registry says is there, all of it, and nothing else."""
    registry = decode_registry(home.registry.read_bytes()) if home.registry.exists() else Registry()
    stores = Stores.open(home)
    shown = {}
    for artifact in registry.artifacts.values():
        for version in artifact.versions:
            assert stores.objects.verify(version.digest)
            verdict = stores.verdicts.load(version.digest)
            assert verdict is not None
            assert verdict.qualified
        if artifact.status == "active":
            shown[artifact.name] = artifact.current
    found = {p.name: scan_tree(p, Limits()).digest for p in (home.root / "generated").iterdir()}
    assert found == shown
    evidence = [read_evidence(p).digest for p in (home.root / "quarantine").glob("*/*")]
    assert sorted(evidence) == sorted(q.digest for q in registry.quarantine)
    for folder in (home.root, home.state):
        left = [p for p in folder.rglob("*") if ".partial-" in p.name or ".new-" in p.name or ".old-" in p.name]
        assert left == []
    assert os.listdir(home.root / "pending") == []
    assert os.listdir(home.root / "aside") == []
    return registry


def described(registry: Registry, shop: Workshop) -> str | None:
    words = {shop.digest(word): word for word in ("one", "two", "bad")}
    artifact = registry.artifacts.get("demo")
    if artifact is None:
        return None
    rejected = "".join(f" + {words[q.digest]}" for q in registry.quarantine)
    return f"{artifact.status} {words[artifact.current]}{rejected}"

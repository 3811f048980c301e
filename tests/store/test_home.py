"""The home's folders, what can be committed of it, and where the state goes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harnessgym_mcp.errors import CorruptError, NameRefused, StateError
from harnessgym_mcp.store.home import Home, hex_of

DIGEST = "sha256:" + "ab" * 32


def test_opening_makes_the_folders_and_is_repeatable(tmp_path: Path) -> None:
    first = Home.open(tmp_path / "ws", state=tmp_path / "state")
    assert Home.open(tmp_path / "ws", state=tmp_path / "state") == first
    assert first.root == tmp_path / "ws" / ".harnessgym"
    assert {p.name for p in first.root.iterdir() if p.is_dir()} >= {"generated", "quarantine", "drafts", "data", "runs"}
    assert first.state.stat().st_mode & 0o077 == 0
    assert first.notes == ()


def test_paths_are_below_the_home(home: Home) -> None:
    assert home.generated("demo") == home.root / "generated" / "demo"
    assert home.quarantined("demo", DIGEST) == home.root / "quarantine" / "demo" / "abababababab"
    assert home.draft("demo") == home.root / "drafts" / "demo"
    assert home.data("demo") == home.root / "data" / "demo"


@pytest.mark.parametrize("name", ["../up", "", "a/b", ".", "harnessgym", "A", "a\n"])
def test_names_that_could_lead_elsewhere_are_refused(home: Home, name: str) -> None:
    for path in (home.generated, home.draft, home.data, home.pending):
        with pytest.raises(NameRefused):
            path(name)


@pytest.mark.parametrize("digest", ["", "sha256:", "sha256:../../x", "md5:" + "ab" * 32, DIGEST + "\n", DIGEST.upper()])
def test_only_digests_become_file_names(digest: str) -> None:
    with pytest.raises(CorruptError):
        hex_of(digest)


def test_git_sees_only_what_is_worth_sharing(home: Home) -> None:
    for path in ("config.toml", "registry.json", "iterations.json", "telemetry.sqlite", "drafts/x/a", "data/x/a"):
        (home.root / path).parent.mkdir(parents=True, exist_ok=True)
        (home.root / path).write_text("x")
    for path in ("generated/x/plugin.json", "generated/.x.new-1/a", "quarantine/x/ab/report.md", "aside/x", "locks/l"):
        (home.root / path).parent.mkdir(parents=True, exist_ok=True)
        (home.root / path).write_text("x")
    git = ["git", "-c", "core.excludesFile=/dev/null", "-C", str(home.workspace)]
    subprocess.run([*git, "init", "-q"], check=True)
    listed = subprocess.run([*git, "ls-files", "-o", "--exclude-standard"], check=True, capture_output=True, text=True)
    assert set(listed.stdout.split()) == {
        ".harnessgym/.gitignore",
        ".harnessgym/config.toml",
        ".harnessgym/generated/x/plugin.json",
        ".harnessgym/quarantine/x/ab/report.md",
        ".harnessgym/registry.json",
    }


def test_a_gitignore_of_the_user_stays(tmp_path: Path) -> None:
    (tmp_path / ".harnessgym").mkdir()
    (tmp_path / ".harnessgym" / ".gitignore").write_text("*\n")
    home = Home.open(tmp_path, state=tmp_path / "state")
    assert (home.root / ".gitignore").read_text() == "*\n"


def test_a_home_that_cannot_be_made_is_a_state_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError) as caught:
        Home.open(tmp_path, tmp_path / "file" / "home", tmp_path / "state")
    assert "--home" in caught.value.hint


@pytest.mark.parametrize("link", [".harnessgym", ".harnessgym/generated", ".harnessgym/locks"])
def test_links_in_a_cloned_home_are_not_followed(tmp_path: Path, link: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    place = tmp_path / "ws" / link
    place.parent.mkdir(parents=True)
    place.symlink_to(outside)
    with pytest.raises(StateError, match="symbolic link"):
        Home.open(tmp_path / "ws", state=tmp_path / "state")
    assert not os.listdir(outside)


def test_a_link_in_place_of_a_data_folder_is_refused(home: Home, tmp_path: Path) -> None:
    (home.root / "data" / "demo").symlink_to(tmp_path)
    with pytest.raises(StateError, match="symbolic link"):
        home.data("demo")


def test_the_state_follows_xdg_and_is_told_when_it_cannot(tmp_path: Path) -> None:
    def opened(**env: str) -> str:
        code = (
            "import sys; from pathlib import Path; from harnessgym_mcp.store.home import Home;"
            "h = Home.open(Path(sys.argv[1])); print(h.state, *h.notes)"
        )
        clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "me"), "TMPDIR": str(tmp_path)} | env
        run = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "ws")],
            env=clean,
            check=True,
            capture_output=True,
            text=True,
        )
        return run.stdout.strip()

    (tmp_path / "file").write_text("")
    assert opened(XDG_STATE_HOME=str(tmp_path / "xdg")) == str(tmp_path / "xdg" / "harnessgym")
    assert opened(XDG_STATE_HOME="relative") == str(tmp_path / "me" / ".local" / "state" / "harnessgym")
    told = opened(XDG_STATE_HOME=str(tmp_path / "file"))
    substitute = tmp_path / f"harnessgym-state-{os.geteuid()}"
    assert told.startswith(f"{substitute} ")
    assert "cannot be written" in told
    assert substitute.stat().st_mode & 0o777 == 0o700
    substitute.chmod(0o777)
    assert not opened(XDG_STATE_HOME=str(tmp_path / "file")).startswith(f"{substitute} ")


def test_without_create_nothing_is_touched(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "ws", state=tmp_path / "state", create=False)
    assert not home.root.exists()
    assert not home.state.exists()

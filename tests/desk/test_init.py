"""`init` sets a workspace up, asks nothing, and leaves what is there."""

import subprocess

import pytest

from harnessgym_mcp.core.policy import Policy, settings
from harnessgym_mcp.qualify.scaffold import scaffold
from harnessgym_mcp.qualify.starter import starter_artifacts, take_in
from harnessgym_mcp.qualify.submission import Submitter
from harnessgym_mcp.server.options import Options
from harnessgym_mcp.store.config_template import template
from harnessgym_mcp.store.publish import Stores


def test_init_makes_the_home_and_a_config_that_changes_nothing(desk):
    code, body = desk.json("init")
    assert (code, body["config_made"]) == (0, True)
    before = desk.json("config")[1]
    (desk.project / ".harnessgym" / "config.toml").unlink()
    after = desk.json("config")[1]
    assert before == after
    assert {s["origin"] for s in before["settings"]} == {"default"}


def test_a_second_init_leaves_everything_as_it_is(desk):
    desk.run("init")
    config = desk.project / ".harnessgym" / "config.toml"
    config.write_text("[timeouts]\ncall = 7\n")
    before = {p: p.stat().st_mtime_ns for p in desk.project.rglob("*") if p.is_file()}
    code, body = desk.json("init")
    assert (code, body["config_made"]) == (0, False)
    assert {p: p.stat().st_mtime_ns for p in desk.project.rglob("*") if p.is_file()} == before


def test_every_setting_stands_in_the_config_and_works_once_uncommented(desk):
    desk.run("init")
    text = template()
    lines = [line for line in text.splitlines() if line.startswith("# ") and " = " in line]
    assert len(lines) == len(settings())
    bare = "\n".join(line[2:] if line in lines else line for line in text.splitlines())
    (desk.project / ".harnessgym" / "config.toml").write_text(bare)
    shown = desk.json("config")[1]
    assert {s["origin"] for s in shown["settings"]} == {"config.toml"}
    assert shown["digest"] == Policy().digest


def test_git_takes_only_what_is_worth_sharing(desk):
    desk.run("init")
    home = desk.project / ".harnessgym"
    (home / "telemetry.sqlite").write_text("")
    (home / "registry.json").write_text("{}")
    (home / "generated" / "a").mkdir()
    (home / "generated" / "a" / "plugin.json").write_text("{}")
    subprocess.run(["git", "init", "-q"], cwd=desk.project, check=True)
    listed = ["git", "ls-files", "--others", "--exclude-standard"]
    shown = subprocess.run(listed, cwd=desk.project, capture_output=True, text=True, check=True).stdout.split()
    assert sorted(shown) == [
        f".harnessgym/{name}" for name in (".gitignore", "config.toml", "generated/a/plugin.json", "registry.json")
    ]


def test_the_starter_harness_is_found():
    names = [folder.name for folder in starter_artifacts()]
    assert names == sorted(names)
    assert names


async def test_starter_artifacts_go_through_the_clean_room_and_never_over_the_users_own(desk):
    folders = []
    for name, mistake in (("good", ""), ("bad", "\nraise SystemExit(3)\n")):
        folder = desk.home / name
        for path, text in scaffold(name).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(
                text.replace('if __name__ == "__main__":', mistake + 'if __name__ == "__main__":')
            )
        folders.append(folder)
    options = Options(workspace=desk.project, settings={"isolation.allow_unconfined": "true"})
    home, policy = options.open()
    stores = Stores.open(home, policy)
    submitter = Submitter(stores, policy)
    first = {t.name: t async for t in take_in(stores, submitter, folders)}
    assert first["good"].status == "qualified"
    assert (first["bad"].status, bool(first["bad"].reason)) == ("rejected", True)
    assert set(stores.registry.load().artifacts) == {"good"}
    again = {t.name: t.status async for t in take_in(stores, submitter, folders[:1])}
    assert again == {"good": "kept"}


@pytest.mark.slow
def test_init_with_the_starter_publishes_all_of_it(desk):
    code, body = desk.json("init", "--starter", "--set", "isolation.allow_unconfined=true")
    assert {t["name"]: (t["status"], t["reason"]) for t in body["starter"]} == {
        folder.name: ("qualified", "") for folder in starter_artifacts()
    }
    assert code == 0

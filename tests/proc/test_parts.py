"""The parts that tiers are made of: the filter's bytes, control groups' places, programs' folders, profiles."""

import re
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harnessgym_mcp.core.policy import Isolation
from harnessgym_mcp.proc import seccomp
from harnessgym_mcp.proc.cgroups import ControlGroups, find_parents
from harnessgym_mcp.proc.room import Bounds, Room
from harnessgym_mcp.proc.seatbelt import profile
from harnessgym_mcp.proc.seccomp import MACHINES, supported, syscall_filter
from harnessgym_mcp.proc.toolchain import Toolchain, find_toolchain, is_private

ALLOW, KILL = 0x7FFF0000, 0x80000000
EPERM, EACCES, ENOSYS = 0x50001, 0x5000D, 0x50026
X86 = MACHINES["x86_64"]


def run_filter(program: bytes, arch: int, number: int, arguments: tuple[int, ...] = ()) -> int:
    """A classic BPF machine, as small as the filter needs: what the kernel would answer."""
    data = struct.pack("=IIQ6Q", number, arch, 0, *(arguments + (0,) * 6)[:6])
    instructions = list(struct.iter_unpack("=HBBI", program))
    at = accumulator = 0
    while True:
        code, if_true, if_false, operand = instructions[at]
        at += 1
        if code == 0x06:
            return int(operand)
        if code == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, operand)
            continue
        holds = {0x15: accumulator == operand, 0x35: accumulator >= operand, 0x45: bool(accumulator & operand)}[code]
        at += if_true if holds else if_false


@pytest.mark.parametrize("machine", MACHINES)
def test_ordinary_calls_are_allowed_and_the_dangerous_denied(machine: str) -> None:
    program, arch = syscall_filter(machine=machine), MACHINES[machine]
    column = list(MACHINES).index(machine)
    read, write, socketpair = ((0, 63), (1, 64), (53, 199))
    for call in (read, write, socketpair):
        assert run_filter(program, arch, call[column]) == ALLOW
    for name, numbers in {**seccomp._FORBIDDEN, **seccomp._MISSING}.items():
        if numbers[column] >= 0:
            wanted = ENOSYS if name in seccomp._MISSING else EPERM
            assert run_filter(program, arch, numbers[column]) == wanted, name


def test_arguments_decide_where_a_call_is_both_good_and_bad() -> None:
    program = syscall_filter(machine="x86_64")
    clone, ioctl, socket = 56, 16, 41
    assert run_filter(program, X86, clone, (0x11,)) == ALLOW
    for flag in (0x20000, 0x10000000, 0x40000000, 0x02000000):
        assert run_filter(program, X86, clone, (flag | 0x11,)) == EPERM
    assert run_filter(program, X86, ioctl, (0, 0x5413)) == ALLOW
    assert run_filter(program, X86, ioctl, (0, 0x5412)) == EPERM
    assert run_filter(program, X86, ioctl, (0, 0x5412 | 1 << 32)) == EPERM  # the kernel looks at the low half alone
    assert run_filter(program, X86, socket, (2,)) == EACCES


def test_with_a_network_only_the_internet_s_sockets_are_allowed() -> None:
    program = syscall_filter(network=True, machine="x86_64")
    answers = {family: run_filter(program, X86, 41, (family,)) for family in (1, 2, 10, 16, 17, 40)}
    assert [family for family, answer in answers.items() if answer == ALLOW] == [2, 10]
    assert run_filter(program, X86, 0) == ALLOW


def test_another_numbering_kills() -> None:
    program = syscall_filter(machine="x86_64")
    assert run_filter(program, 0x40000003, 1) == KILL  # 32 bit
    assert run_filter(program, X86, 0x40000001) == KILL  # x32
    assert run_filter(program, MACHINES["aarch64"], 1) == KILL


def test_a_machine_without_a_table_is_not_supported() -> None:
    assert supported("x86_64")
    assert not supported("riscv64")


@pytest.mark.parametrize(
    ("header", "column"),
    [("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", 0), ("/usr/include/asm-generic/unistd.h", 1)],
)
def test_the_numbers_are_the_kernel_s(header: str, column: int) -> None:
    if not Path(header).exists():
        pytest.skip(f"{header} is not installed")
    found = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", Path(header).read_text()))
    single = {"socket": seccomp._SOCKET, "clone": seccomp._CLONE, "ioctl": seccomp._IOCTL}
    for name, numbers in {**seccomp._FORBIDDEN, **seccomp._MISSING, **single}.items():
        if name in found:
            assert numbers[column] == int(found[name]), name


OWN_V1 = "9:name=systemd:/\n8:pids:/box\n4:cpu,memory:/user/7\n0::/\n"


def test_version_one_makes_a_group_below_our_own_for_each_controller(tmp_path: Path) -> None:
    for folder in ("memory/user/7", "pids/box"):
        (tmp_path / folder).mkdir(parents=True)
    assert find_parents(tmp_path, OWN_V1) == (tmp_path / "memory/user/7", tmp_path / "pids/box")
    assert find_parents(tmp_path / "elsewhere", OWN_V1) == ()


@pytest.mark.parametrize(("enabled", "found"), [("cpu memory pids", True), ("cpu", False)])
def test_version_two_makes_a_sibling_where_the_controllers_are_delegated(
    enabled: str, found: bool, tmp_path: Path
) -> None:
    parent = tmp_path / "user.slice" / "app.slice"
    (parent / "own.scope").mkdir(parents=True)
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids")
    (parent / "cgroup.subtree_control").write_text(enabled)
    parents = find_parents(tmp_path, "0::/user.slice/app.slice/own.scope\n")
    assert parents == ((parent,) if found else ())


def test_a_group_that_cannot_be_made_is_no_group(tmp_path: Path) -> None:
    (tmp_path / "good").mkdir()
    groups = ControlGroups((tmp_path / "good", tmp_path / "missing"))
    assert groups.make("1.2.3.x", Bounds.of(Isolation())) == ()
    assert not any((tmp_path / "good").iterdir())


def test_the_interpreter_s_own_folders_are_shown_and_no_home() -> None:
    found = find_toolchain()
    assert found.python.exists()
    for root in found.roots:
        assert not Path.home().is_relative_to(root)
    said = subprocess.run(
        [found.python, "-I", "-S", "-c", "import sys; print(sys.version)"], capture_output=True, text=True
    )
    assert said.stdout.strip() == sys.version


def test_a_folder_that_holds_more_than_an_installation_is_private() -> None:
    for path in (Path.home(), Path.home() / ".local", Path("/"), Path("/opt")):
        assert is_private(path)
    for path in (Path("/usr"), Path("/usr/local"), Path.home() / ".pyenv" / "versions" / "3.12.0", Path("/opt/python")):
        assert not is_private(path)


def test_the_seatbelt_profile_names_only_what_is_granted_and_quotes_it(tmp_path: Path) -> None:
    room = Room(tmp_path / 'art"ifact', tmp_path / "data", Bounds.of(Isolation()), workspace=tmp_path / "work")
    toolchain = Toolchain(Path("/usr/bin/python3"), (), ())
    text = profile(room, tmp_path / "scratch", toolchain)
    assert '\\"ifact' in text
    assert "(deny default)" in text
    writes = next(line for line in text.splitlines() if "file-write*" in line)
    assert str(tmp_path / "data") in writes
    assert str(tmp_path / "work") not in writes
    assert "network" not in text
    granted = profile(replace(room, network=True, workspace_write=True), tmp_path / "scratch", toolchain)
    assert str(tmp_path / "work") in next(line for line in granted.splitlines() if "file-write*" in line)
    assert "network-outbound" in granted

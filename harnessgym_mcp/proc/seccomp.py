"""The system-call filter of tiers A and B, as the bytes of a classic BPF program.

Everything is allowed but what reaches outside the sandbox or deep into the kernel: sockets (a socketpair stays),
new namespaces, mounts, tracing, keys, io_uring, BPF. Numbers: asm/unistd_64.h and asm-generic/unistd.h of Linux 6.18.
"""

import errno
import platform
import struct

__all__ = ["MACHINES", "supported", "syscall_filter"]

_Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, operand: struct sock_filter

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL_PROCESS, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCH, _ARG0, _ARG1 = 0, 4, 16, 24  # offsets in struct seccomp_data, low halves of the arguments
_X32_BIT = 0x40000000
_NEW_NAMESPACE = 0x7E020000  # CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET
_TTY_INJECTION = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
_INTERNET = (2, 10)  # AF_INET, AF_INET6

MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""Machines a filter can be built for, with their AUDIT_ARCH numbers."""

_COLUMN = {"x86_64": 0, "aarch64": 1}
_NONE = -1
_SOCKET, _CLONE, _CLONE3, _IOCTL = (41, 198), (56, 220), (435, 435), (16, 29)

_MISSING = {  # answered "not implemented": callers fall back
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "clone3": _CLONE3,  # its flags lie behind a pointer, out of the filter's sight; glibc then uses clone
}
_FORBIDDEN = {  # answered "not permitted"
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "delete_module": (176, 106),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "ioperm": (173, _NONE),
    "iopl": (172, _NONE),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "lookup_dcookie": (212, 18),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "move_pages": (279, 239),
    "name_to_handle_at": (303, 264),
    "nfsservctl": (180, 42),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "personality": (135, 92),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_madvise": (440, 440),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "vhangup": (153, 58),
    "vmsplice": (278, 75),
}


def supported(machine: str = "") -> bool:
    """Can a filter be built for this machine?"""
    return (machine or platform.machine()) in MACHINES


def syscall_filter(network: bool = False, machine: str = "") -> bytes:
    """An array of struct sock_filter; with `network` the internet's sockets are allowed, and still no others.

    Raises KeyError for a machine that is not in MACHINES.
    """
    machine = machine or platform.machine()
    column = _COLUMN[machine]
    program = _prologue(machine)
    for numbers in _MISSING.values():
        program += _deny(numbers[column], errno.ENOSYS)
    for numbers in _FORBIDDEN.values():
        program += _deny(numbers[column], errno.EPERM)
    program += _deny_flags(_CLONE[column], _NEW_NAMESPACE)
    program += _deny_values(_IOCTL[column], _TTY_INJECTION)
    program += _internet_only(_SOCKET[column]) if network else _deny(_SOCKET[column], errno.EACCES)
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in [*program, (_RETURN, 0, 0, _ALLOW)])


def _prologue(machine: str) -> list[_Instruction]:
    """Another architecture's numbering, and x32's, would go round the filter: kill."""
    program: list[_Instruction] = [
        (_LOAD, 0, 0, _ARCH),
        (_JUMP_EQUAL, 1, 0, MACHINES[machine]),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        program += [(_JUMP_AT_LEAST, 0, 1, _X32_BIT), (_RETURN, 0, 0, _KILL_PROCESS)]
    return program


def _deny(number: int, error: int) -> list[_Instruction]:
    if number == _NONE:
        return []
    return [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERRNO | error)]


def _guarded(number: int, body: list[_Instruction]) -> list[_Instruction]:
    """`body` for one call only; it spoils the loaded number, which is loaded again."""
    return [(_JUMP_EQUAL, 0, len(body) + 1, number), *body, (_LOAD, 0, 0, _NUMBER)]


def _deny_flags(number: int, flags: int) -> list[_Instruction]:
    refuse = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    return _guarded(number, [(_LOAD, 0, 0, _ARG0), (_JUMP_SET, 0, 1, flags), refuse])


def _deny_values(number: int, values: tuple[int, ...]) -> list[_Instruction]:
    body: list[_Instruction] = [(_LOAD, 0, 0, _ARG1)]
    for value in values:
        body += _deny(value, errno.EPERM)
    return _guarded(number, body)


def _internet_only(number: int) -> list[_Instruction]:
    """Unix sockets reach the user's other programs even over a shared network namespace: they stay denied."""
    body: list[_Instruction] = [(_LOAD, 0, 0, _ARG0)]
    for family in _INTERNET:
        body += [(_JUMP_EQUAL, 0, 1, family), (_RETURN, 0, 0, _ALLOW)]
    return _guarded(number, [*body, (_RETURN, 0, 0, _ERRNO | errno.EACCES)])

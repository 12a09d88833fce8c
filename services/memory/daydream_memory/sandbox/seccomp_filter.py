"""A filter of system calls (seccomp): those in a list are allowed, all others fail with EPERM.

The kernel runs a small program before each call of the worker (Linux, `seccomp(2)`). It needs no
privilege, no library, and cannot be taken off again.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import struct
import sys
import termios
from collections.abc import Sequence

from daydream_memory.sandbox.system_calls import ALLOWED, BY_ARGUMENT

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
LOAD_WORD, AND, JUMP_IF_EQUAL, RETURN = 0x20, 0x54, 0x15, 0x06
NUMBER_OFFSET, ARCHITECTURE_OFFSET, ARGUMENTS_OFFSET, ARGUMENT_BYTES = 0, 4, 16, 8
# platform.machine(): (name in the kernel's headers as a number, column of `system_calls`)
ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
# fcntl and ioctl can make the kernel send signals
FCNTL = (fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL, fcntl.F_SETFL, fcntl.F_DUPFD_CLOEXEC)
IOCTL = (termios.TCGETS, termios.FIOCLEX)
INSTRUCTION = struct.Struct("HBBI")


class FilterProgram(ctypes.Structure):
    """`struct sock_fprog`: the number of instructions, and where they are."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def filter_calls() -> bool:
    """Allow only the calls in the list, and opening files for reading.

    Which files is not its matter: modules that readers load late must be found. Return whether the
    filter holds. It does not on another system or architecture.
    """
    machine = platform.machine()
    if sys.platform != "linux" or machine not in ARCHITECTURES:
        return False
    instructions = _instructions(machine)
    program = FilterProgram(len(instructions), b"".join(instructions))
    libc = ctypes.CDLL(None, use_errno=True)
    held: int = libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)
    return held == 0


def _instructions(machine: str) -> list[bytes]:
    architecture, column = ARCHITECTURES[machine]
    program = [
        _instruction(LOAD_WORD, ARCHITECTURE_OFFSET),
        _instruction(JUMP_IF_EQUAL, architecture, if_true=1),
        _instruction(RETURN, REFUSE),
        _instruction(LOAD_WORD, NUMBER_OFFSET),
    ]
    for numbers in ALLOWED.values():
        if (number := numbers[column]) is not None:
            program += [
                _instruction(JUMP_IF_EQUAL, number, if_false=1),
                _instruction(RETURN, ALLOW),
            ]
    conditions: list[tuple[str, int, tuple[int, ...], int | None]] = [
        ("fcntl", 1, FCNTL, None),
        ("ioctl", 1, IOCTL, None),
        ("prlimit64", 0, (0,), None),  # its own limits only
        ("openat", 2, (os.O_RDONLY,), os.O_ACCMODE),
    ]
    for name, argument, values, mask in conditions:
        if (number := BY_ARGUMENT[name][column]) is not None:
            program += _condition(number, argument, values, mask)
    return [*program, _instruction(RETURN, REFUSE)]


def _condition(number: int, argument: int, values: Sequence[int], mask: int | None) -> list[bytes]:
    """Allow a call whose argument is one of these values, after the mask."""
    block = [_instruction(LOAD_WORD, ARGUMENTS_OFFSET + argument * ARGUMENT_BYTES)]
    if mask is not None:
        block.append(_instruction(AND, mask))
    for value in values:
        block += [_instruction(JUMP_IF_EQUAL, value, if_false=1), _instruction(RETURN, ALLOW)]
    block.append(_instruction(RETURN, REFUSE))
    return [_instruction(JUMP_IF_EQUAL, number, if_false=len(block)), *block]


def _instruction(code: int, operand: int, *, if_true: int = 0, if_false: int = 0) -> bytes:
    return INSTRUCTION.pack(code, if_true, if_false, operand)

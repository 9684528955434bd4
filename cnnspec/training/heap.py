"""What the C library does with memory that a step has freed: it keeps it for the next one."""

import ctypes
import platform

TRIM_THRESHOLD, MMAP_MAX = -1, -4
"""Parameters of glibc's mallopt (its malloc.h)."""


def keep_freed_memory() -> None:
    """Let freed memory stay with this process, from now on; only glibc needs to be told.

    Each step on a CPU allocates and frees the same tensors. Where glibc hands the memory back
    to the system, the next step waits for it, page by page, and for it to be zeroed again.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(MMAP_MAX, 0)
    mallopt(TRIM_THRESHOLD, 2**31 - 1)

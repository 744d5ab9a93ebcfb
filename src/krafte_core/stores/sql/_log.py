"""The log beside a SQLite file, `shop.db-wal`: writers wait there for their turn before they write, and for the disk afterwards.

SQLite lets those who wait for the one writer sleep, up to 100 ms each time, while the file lies idle; and the writer waits for the
disk before the next one may begin. Here processes line up at a lock of the operating system on the log, in which SQLite locks nothing.
And a commit waits for the disk while the next writer is at work, so that several wait at the same time. The log only grows: when a
commit is on the disk, so is everything that was written before it, and that is everything it can have read.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

from krafte_core.errors import StoreFailed

try:
    import fcntl
except ImportError:  # no such locks here: SQLite waits for everything itself
    HAS_LOCKS = False
else:
    HAS_LOCKS = True
YIELDS, NAPS, NAP = 100, 10_000, 0.0005
"""How often others are let go first, how often after that one sleeps, and for how many seconds; then SQLite has the last word."""
_to_disk: Any = getattr(os, "fdatasync", os.fsync)


class Log:
    """The log of one file, in one process: `acquire` and `release` are a turn to write, `flush` waits for the disk."""

    def __init__(self, path: Path) -> None:
        """Of the file at this path."""
        self._path = f"{path}-wal"
        self._threads = threading.Lock()
        self._file: int | None = None

    def acquire(self) -> None:
        """Wait for the turn: for the threads of this process, then for the other processes."""
        self._threads.acquire()
        try:
            for tried in range(YIELDS + NAPS):
                if self._is_ours():
                    return
                if tried < YIELDS:
                    os.sched_yield()
                else:
                    time.sleep(NAP)
        except BaseException:  # somebody pressed Ctrl-C
            self.release()
            raise

    def release(self) -> None:
        """Let the next one in."""
        try:
            if self._file is not None:
                fcntl.lockf(self._file, fcntl.LOCK_UN)
        finally:
            self._threads.release()

    def flush(self) -> None:
        """Wait until everything that was committed is on the disk; a connection must be open, so that the log is there.

        Raises:
            StoreFailed: (`store_failed`) the disk would not have it: what was committed may be gone after a power failure.
        """
        try:
            file = os.open(self._path, os.O_RDONLY)
            try:
                _to_disk(file)
            finally:
                os.close(file)
        except OSError as problem:
            raise StoreFailed("wait for the disk", str(problem)) from problem

    def close(self) -> None:
        """Let go of the file; it is opened again when it is wanted."""
        with self._threads:
            self._let_go()

    def _is_ours(self) -> bool:
        """Whether it is our turn; it is where nobody can line up, too: SQLite has a lock of its own."""
        try:
            file = self._opened()
        except OSError:
            return True
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return False
        except OSError:
            return True
        return True

    def _opened(self) -> int:
        """The log as it is there now: SQLite removes it with the last connection, and makes another one."""
        if self._file is not None and not os.fstat(self._file).st_nlink:
            self._let_go()
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR)
        return self._file

    def _let_go(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

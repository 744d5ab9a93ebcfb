"""A PostgreSQL server for the tests: the machine's own binaries, a folder of its own, gone at the end."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

URL = "KRAFTE_POSTGRES_URL"
"""Names a server that is there already: `postgresql+psycopg://user@host/database`."""


def binaries() -> Path | None:
    """The folder of `initdb` and `postgres`, where there is one."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "postgres").exists()), None)


def _user() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: then it is somebody else."""
    if os.getuid():
        return {}
    names = {row.pw_name for row in pwd.getpwall()}
    name = next(name for name in ("postgres", "nobody") if name in names)
    return {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": []}


@contextmanager
def server(*, durable: bool = False) -> Iterator[str | None]:
    """The URL of a server that lives as long as the `with`; None where there is no PostgreSQL."""
    if given := os.environ.get(URL):
        yield given
        return
    found = binaries()
    if found is None:
        yield None
        return
    folder, who = Path(tempfile.mkdtemp(prefix="krafte-postgres-")), _user()
    if who:
        shutil.chown(folder, who["user"], who["group"])
    data = folder / "data"
    try:
        made = [found / "initdb", "-D", data, "-U", "krafte", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
        subprocess.run(made, check=True, capture_output=True, cwd=folder, **who)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        settings = [f"port={port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200"]
        settings += [] if durable else ["fsync=off", "full_page_writes=off"]
        command = [found / "postgres", "-D", data, *(part for one in settings for part in ("-c", one))]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **who)
        try:
            _wait(port, process, folder / "log")
            yield f"postgresql+psycopg://krafte@127.0.0.1:{port}/postgres"
        finally:
            process.send_signal(signal.SIGINT)  # a fast shutdown: whoever is still connected is cut off
            process.wait(60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg

    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(f"PostgreSQL did not start: {log.read_text(encoding='utf-8', errors='replace')}")
        try:
            psycopg.connect(host="127.0.0.1", port=port, user="krafte", dbname="postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("PostgreSQL did not start within a minute")

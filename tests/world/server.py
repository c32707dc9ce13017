# SPDX-License-Identifier: MIT
"""A running `reeyo serve`: starts it with a configuration, waits for it, stops it, and checks that it ends
with code 0 on SIGTERM and without a sanitizer report."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

from .client import Api, Wire
from .stores import ROOT, world
from .waiting import PATIENCE, until

NAMESPACES = ("user", "vendor", "rider", "admin")
SECRET = "tests-sign-with-this-and-nobody-else-does"
# In addition to config/local/reeyo.conf: every listener on a free port, small and fast.
DEFAULTS = {
    "environment": "test",
    "listen": "127.0.0.1:0",
    **{f"listen.{name}": "127.0.0.1:0" for name in NAMESPACES},
    "listen.metrics": "127.0.0.1:0",
    "loops": 2,
    "db_write_lanes": 2,
    "db_read_lanes": 2,
    # A busy machine may take longer than production would wait.
    "db_statement_timeout": "60s",
    "db_lock_timeout": "30s",
    "redis_timeout": "10s",
    "drain_timeout": "20s",
    "argon2_memory": "64k",
    "argon2_passes": 1,
    "jwt_secret": SECRET,
}

# In addition: what environment = production requires.
PRODUCTION = {"environment": "production", "otp_test_code": None, "card_sandbox": None, "webhook_private": None,
              "rate_limit": "on", "argon2_memory": "7168k", "argon2_passes": 5, "login_memory": "off"}


def binary():
    """The binary under test: REEYO_BINARY, or the one of the dev preset."""
    return os.environ.get("REEYO_BINARY", str(ROOT / "build/dev/reeyo"))


def local_configuration():
    """The keys of config/local/reeyo.conf."""
    keys = {}
    for line in (ROOT / "config/local/reeyo.conf").read_text().splitlines():
        if "=" in line and not line.lstrip().startswith("#"):
            key, value = line.split("=", 1)
            keys[key.strip()] = value.strip()
    return keys


def bare_environment():
    """Our environment without REEYO_*, so that only the file configures the server."""
    return {key: value for key, value in os.environ.items() if not key.startswith("REEYO_")}


def reports_since(moment):
    """Sanitizer reports since this time. tests/run sets their folder in ASAN_OPTIONS."""
    for option in os.environ.get("ASAN_OPTIONS", "").split(":"):
        if option.startswith("log_path="):
            prefix = pathlib.Path(option.split("=", 1)[1])
            return [path for path in prefix.parent.glob(prefix.name + "*")
                    if path.stat().st_mtime >= moment]
    return []


class Server:
    """configuration: keys of reeyo.conf; None removes a key of the defaults."""

    def __init__(self, database_url, redis_url, **configuration):
        keys = {**local_configuration(), **DEFAULTS, "database_url": database_url,
                "redis_url": redis_url, **configuration}
        self.configuration = {key: value for key, value in keys.items() if value is not None}
        self.dir = tempfile.TemporaryDirectory(prefix="server-", dir=world())
        self.file = pathlib.Path(self.dir.name, "reeyo.conf")
        self.log_file = pathlib.Path(self.dir.name, "log")
        self.process = None
        self.ports = {}

    def configure(self, **configuration):
        """Changes keys from the next start on."""
        self.configuration.update(configuration)
        return self

    def spawn(self):
        """Starts it without waiting."""
        lines = [f"{key} = {value}" for key, value in self.configuration.items()]
        self.file.write_text("\n".join(lines) + "\n")
        self.began = time.time()
        self.asked = False  # to stop
        self.skip = self.log_file.stat().st_size if self.log_file.exists() else 0
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [binary(), "serve", "--config", str(self.file)], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=bare_environment(), start_new_session=True)
        pathlib.Path(self.dir.name, "pid").write_text(str(self.process.pid))  # for tests/run, in case this process dies
        return self

    def start(self):
        self.spawn()
        self.wait_ready()
        return self

    def log(self):
        """The log lines since the last start, as objects."""
        with open(self.log_file, "rb") as log:
            log.seek(self.skip)
            text = log.read().decode(errors="replace")
        found = []
        for line in text.splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                found.append({"msg": line})
        return found

    def wait_log(self, **members):
        """Waits for a log line with these members and returns the first."""
        def matching():
            return next((line for line in self.log()
                         if all(line.get(name) == value for name, value in members.items())), None)
        return self.wait(matching, what=f"logging {members}")

    def log_text(self):
        return self.log_file.read_text(errors="replace")[-8000:]

    def _listening(self):
        self.ports = {line.get("name", "main"): line["port"] for line in reversed(self.log())
                      if line.get("msg") == "listening"}
        return "main" in self.ports

    def _ready(self):
        try:
            api = Api(self.ports["main"])
            status = api.get("/readyz").status
            api.close()
            return status == 200
        except OSError:
            return False

    def wait(self, condition, seconds=PATIENCE, what="as expected"):
        """Waits until the condition holds and returns its value. Fails at once when the server has ended."""
        def alive():
            value = condition()
            if not value and self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode} before it "
                                     f"was {what}:\n{self.log_text()}")
            return value
        try:
            return until(alive, seconds, f"that the server is {what}")
        except AssertionError as fault:
            raise AssertionError(f"{fault}\n{self.log_text()}") from None

    def wait_listening(self):
        self.wait(self._listening, what="listening")

    def wait_ready(self):
        self.wait_listening()
        self.wait(self._ready, what="ready")
        self._listening()  # every listener has been logged by now

    @property
    def port(self):
        return self.ports["main"]

    def api(self, token=None, name="main", **more):
        return Api(self.ports[name], token, **more)

    def wire(self, name="main", **more):
        return Wire(self.ports[name], **more)

    def metric(self, name):
        """The value of a metric, with its labels if it has any: metric('reeyo_db_lanes_up')."""
        text = self.api(name="metrics").get("/metrics").body.decode()
        for line in text.splitlines():
            if line.rpartition(" ")[0] == name:
                return float(line.rpartition(" ")[2])
        raise AssertionError(f"there is no metric {name}")

    def signal(self, number):
        self.asked = self.asked or number == signal.SIGTERM
        self.process.send_signal(number)

    def stop(self, seconds=PATIENCE):
        """Sends SIGTERM. The test fails unless the server ends with code 0 and without a sanitizer report."""
        if self.process is None:
            return
        if self.process.poll() is None and not self.asked:
            self.signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the server did not stop in {seconds} s:\n{self.log_text()}") from None
        self.process = None
        assert code == 0, f"the server ended with code {code}:\n{self.log_text()}"
        for report in reports_since(self.began):
            raise AssertionError(report.read_text(errors="replace")[:8000])

    def restart(self):
        self.stop()
        return self.start()

    def kill(self):
        """Kills the process, as in a failure of the machine."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def close(self):
        try:
            self.stop()
        finally:
            self.kill()
            self.dir.cleanup()


def reeyo(*arguments, environment=None, timeout=4 * PATIENCE):
    """Runs a command to its end; returns its exit code and output."""
    return subprocess.run([binary(), *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=timeout, env={**bare_environment(),
                                                           **(environment or {})})

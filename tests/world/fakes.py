# SPDX-License-Identifier: MIT
"""The fakes of tests/fakes as running programs: started on a free port, told what to do wrong, asked what they were
asked, and judged at their end like a server: code 0 and no sanitizer's report."""

import pathlib
import subprocess
import time

from .client import Api
from .server import bare_environment, binary, reports_since


class Fake:
    """Fake("campay", webhook="http://…"): flags as keywords, underscores for hyphens."""

    def __init__(self, name, **flags):
        program = pathlib.Path(binary()).parent / "tests" / f"fake_{name}"
        arguments = [word for flag, value in flags.items()
                     for word in (f"--{flag.replace('_', '-')}", str(value))]
        self.began = time.time()
        self.process = subprocess.Popen([str(program), *arguments], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, env=bare_environment(),
                                        start_new_session=True)
        line = self.process.stdout.readline().decode()
        assert line.startswith("listening "), f"fake_{name} did not start: {line!r}"
        self.port = int(line.split()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.api = Api(self.port)

    def script(self, path, *faults):
        """Faults of the next requests of a path, in order: a name, or a name with its members:
        script("/collect", "reset", ("slow", {"ms": 500}))."""
        written = [{"fault": fault} if isinstance(fault, str) else {"fault": fault[0], **fault[1]}
                   for fault in faults]
        reply = self.api.post("/_script", json={"path": path, "faults": written})
        assert reply.status == 200, reply.body

    def log(self, path=None):
        """What was asked, oldest first: .method .path .query .headers .body."""
        return self.api.get("/_log" + (f"?path={path}" if path else "")).json

    def reset(self):
        self.api.post("/_reset")

    def stop(self):
        if self.process is None:
            return
        self.api.close()
        self.process.terminate()
        code = self.process.wait(30)
        self.process.stdout.close()
        self.process = None
        assert code == 0, f"a fake ended with code {code}"
        found = reports_since(self.began)
        assert not found, "\n".join(path.read_text(errors="replace") for path in found)

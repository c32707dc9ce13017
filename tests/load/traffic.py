# SPDX-License-Identifier: MIT
#
# Requests as bytes, access tokens for accounts without a log-in, and the load generator.
import base64
import hashlib
import hmac
import json
import os
import subprocess
import time

from stack import OUT, Failed


def _b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


_HEADER = _b64(b'{"alg":"HS256","typ":"JWT","kid":"1"}')


def sign(secret, user, role="USER"):
    """An access token in the server's form (contract §0), for a USER, a VENDOR or a RIDER."""
    now = int(time.time())
    claims = {"sub": user, "userId": user, "role": role, "userType": role, "sid": f"ses_{user}",
              **({"vendorId": user} if role == "VENDOR" else {}),
              "type": "access", "iss": "reeyo-platform", "aud": "reeyo-api", "iat": now - 5,
              "exp": now + 86400}
    body = f"{_HEADER}.{_b64(json.dumps(claims, separators=(',', ':')).encode())}"
    mac = hmac.new(secret.encode(), body.encode(), hashlib.sha256).digest()
    return f"{body}.{_b64(mac)}"


def request(method, path, body=None, token=None):
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Accept: application/json"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    data = b""
    if body is not None:
        data = json.dumps(body, separators=(",", ":")).encode()
        lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + data


def write(name, requests):
    path = OUT / f"{name}.requests"
    with open(path, "wb") as out:
        for data in requests:
            out.write(b"%d\n" % len(data) + data)
    return path


def _raise_priority(nice):
    """The generator runs before the measured server, so that its own waits do not count as the server's."""
    if nice and os.geteuid() == 0:
        os.nice(nice)


def start(port, path, connections, seconds, rate=None, warm_up=0.5, once=False, nice=0, steps=0):
    command = [str(OUT / "hammer"), "-p", str(port), "-f", str(path), "-c", str(connections),
               "-s", str(seconds), "-w", str(warm_up)]
    command += ["-r", str(rate)] if rate else []
    command += ["-o"] if once else []
    command += ["-l", str(steps)] if steps else []
    return subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=lambda: _raise_priority(nice))


def finish(child, allowed):
    out, _ = child.communicate()
    if child.returncode != 0:
        raise Failed("the load generator failed")
    result = json.loads(out)
    wrong = {s: n for s, n in result["statuses"].items() if int(s) not in allowed}
    if wrong or result["broken"] or not result["requests"]:
        raise Failed(f"unexpected replies: {wrong}, {result['broken']} broken connections, "
                     f"{result['requests']} requests")
    return result


class Listeners:
    """Clients of event streams, one for each request; see listener.c."""

    def __init__(self, port, path):
        self.child = subprocess.Popen([str(OUT / "listener"), str(port), str(path)], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, preexec_fn=lambda: _raise_priority(-5))
        self.open = json.loads(self.child.stdout.readline() or "{}").get("open", 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.communicate()

    def measure(self):
        """Figures since the last call: events, p50_ms, p99_ms, max_ms, lost."""
        self.child.stdin.write(b"\n")
        self.child.stdin.flush()
        return json.loads(self.child.stdout.readline())


def hammer(port, path, connections, seconds, allowed=(200,), **options):
    return finish(start(port, path, connections, seconds, **options), allowed)

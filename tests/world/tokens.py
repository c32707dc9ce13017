# SPDX-License-Identifier: MIT
"""Access tokens in the format of the server, signed here: to tamper with them, and to call as a role whose
log-in is not served."""

import base64
import hashlib
import hmac
import itertools
import json
import time

from .server import SECRET

_numbers = itertools.count(1)


def part(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unpart(text):
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def sign(head, claims, secret=SECRET, digest=hashlib.sha256):
    content = f"{part(head)}.{part(claims)}"
    return f"{content}.{part(hmac.new(secret.encode(), content.encode(), digest).digest())}"


def read(token):
    """Its header and its claims."""
    head, claims, _ = token.split(".")
    return unpart(head), unpart(claims)


def issue(role, account, life=86400, session=None):
    """An access token of an account, without a log-in."""
    now = int(time.time())
    number = next(_numbers)
    claims = {"sub": account, "userId": account, "role": role, "userType": role,
              "sid": session or f"ses_test_{number}", "type": "access", "jti": f"acc_test_{number}",
              "iss": "reeyo-platform", "aud": "reeyo-api", "iat": now, "exp": now + life}
    if role != "USER":
        claims[{"VENDOR": "vendorId", "RIDER": "riderId"}.get(role, "adminId")] = account
    return sign({"alg": "HS256", "typ": "JWT", "kid": "1"}, claims)


def with_role(token, role, account):
    """The token with another account and role."""
    head, claims = read(token)
    claims.update(sub=account, userId=account, role=role, userType=role)
    claims[{"VENDOR": "vendorId", "RIDER": "riderId"}.get(role, "adminId")] = account
    return sign(head, claims)

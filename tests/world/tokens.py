# SPDX-License-Identifier: MIT
"""Tokens made by hand: right ones for roles whose log-in is not what a test is about, wrong ones
to see them refused."""

import base64
import hashlib
import hmac
import json
import time

HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def packed(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unpacked(part):
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def signed(claims, secret, alg="HS256", header=None):
    head = packed(json.dumps({"alg": alg, "typ": "JWT", **(header or {})}).encode())
    text = head + "." + packed(json.dumps(claims).encode())
    if alg == "none":
        return text + "."
    mac = hmac.new(secret.encode(), text.encode(), HASHES.get(alg, hashlib.sha256)).digest()
    return text + "." + packed(mac)


def access_claims(role, account):
    """Claims as a log-in of that role would sign them. role: USER, VENDOR, RIDER, ADMIN, SUPER_ADMIN."""
    now = int(time.time())
    kind = "ADMIN" if role.endswith("ADMIN") else role
    return {"sub": account, "userId": account, f"{kind.lower()}Id": account, "role": role,
            "userType": role, "sid": f"ses_test_{account}", "type": "access", "jti": f"jti_{account}",
            "iat": now, "exp": now + 3600, "iss": "reeyo-platform", "aud": "reeyo-api"}

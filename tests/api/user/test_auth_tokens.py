# SPDX-License-Identifier: MIT
"""Tokens that are forged, not yet valid, expired, or of another account."""

import hashlib
import time

import pytest

from world import tokens
from world.server import SECRET

DIGESTS = {"HS384": hashlib.sha384, "HS512": hashlib.sha512}


def signed(claims, alg="HS256", secret=SECRET, header=None):
    head = {"alg": alg, "typ": "JWT", **(header or {})}
    token = tokens.sign(head, claims, secret, DIGESTS.get(alg, hashlib.sha256))
    return token[:token.rindex(".") + 1] if alg == "none" else token


@pytest.fixture(scope="module")
def claims(server):
    """The claims of a real access token."""
    from world.accounts import register
    return tokens.read(register(server, address=False).token)[1]


def ask(server, token):
    return server.api().get("auth/me", headers={"Authorization": f"Bearer {token}"})


def test_a_token_made_like_ours_is_read(server, claims):
    assert ask(server, signed(claims)).status == 200
    assert ask(server, signed(claims, header={"kid": "1"})).status == 200


def test_claims_name_the_account_in_every_spelling(claims):
    assert claims["sub"] == claims["userId"]
    assert claims["role"] == claims["userType"] == "USER"
    assert (claims["iss"], claims["aud"]) == ("reeyo-platform", "reeyo-api")
    assert claims["exp"] - claims["iat"] == 7 * 86400


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "HS384", "HS512", "RS256", "ES256", "hs256", ""])
def test_another_algorithm_is_refused(server, claims, alg):
    reply = ask(server, signed(claims, alg))
    assert (reply.status, reply.code) == (401, "AUTH_1001")


@pytest.mark.parametrize("change", [
    {"iss": "else"}, {"aud": "else"}, {"aud": ["reeyo-api"]}, {"type": "refresh"}, {"type": None},
    {"role": "GOD"}, {"role": None}, {"sub": None}, {"sub": 7}, {"sid": None}, {"exp": None},
    {"exp": "never"}, {"exp": 1e300}, {"iat": None}, {"nbf": 4102444800}, {"iat": 4102444800}])
def test_other_claims_are_refused(server, claims, change):
    changed = {name: value for name, value in {**claims, **change}.items() if value is not None}
    reply = ask(server, signed(changed))
    assert (reply.status, reply.code) == (401, "AUTH_1001")


def test_an_expired_token_has_its_own_error(server, claims):
    reply = ask(server, signed({**claims, "exp": int(time.time()) - 1}))
    assert (reply.status, reply.code) == (401, "AUTH_1003")


def test_a_token_of_another_key_is_refused(server, claims):
    for token in (signed(claims, secret="x" * 40), signed(claims, secret=""),
                  signed(claims, header={"kid": "2"}), signed(claims, header={"kid": ""}),
                  signed(claims, header={"kid": "../../dev/null"}), signed(claims, header={"kid": 1}),
                  signed(claims, header={"crit": ["exp"]})):
        reply = ask(server, token)
        assert (reply.status, reply.code) == (401, "AUTH_1001")


def test_a_tampered_token_is_refused_even_when_the_true_one_is_known(server, claims):
    token = signed(claims)
    head, body, mac = token.split(".")
    assert ask(server, token).status == 200
    other = tokens.part({**claims, "role": "SUPER_ADMIN"})
    for wrong in (f"{head}.{other}.{mac}", token[:-1], token + "A", token + ".", f"{head}.{body}.",
                  f"{head}.{body}", f".{body}.{mac}", "", "x", "." * 3000, "é"):
        reply = ask(server, wrong.encode().decode("latin-1"))
        assert reply.status == 401, wrong
        assert reply.code == "AUTH_1001", wrong
    assert ask(server, token).status == 200


def test_a_missing_token_is_an_error(api):
    reply = api.get("auth/me")
    assert (reply.status, reply.code) == (401, "AUTH_1000")
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_is_accepted_in_the_header_only(api, claims):
    token = signed(claims)
    assert api.get("auth/me", query={"token": token, "access_token": token}).code == "AUTH_1000"
    assert api.get("auth/me", headers={"Cookie": f"accessToken={token}"}).code == "AUTH_1000"
    assert api.get("auth/me", headers={"Authorization": f"Basic {token}"}).code == "AUTH_1001"
    assert api.get("auth/me", headers={"Authorization": token}).code == "AUTH_1001"
    assert api.get("auth/me", headers={"Authorization": f"bearer {token}"}).status == 200


@pytest.mark.parametrize("role", ["VENDOR", "RIDER", "ADMIN", "SUPER_ADMIN"])
def test_another_role_may_not_call_for_customers(server, claims, role):
    reply = ask(server, signed({**claims, "role": role}))
    assert (reply.status, reply.code) == (403, "AUTH_1005")


def test_a_token_whose_account_is_gone_is_refused(server, claims):
    reply = ask(server, signed({**claims, "sub": "user_gone"}))
    assert (reply.status, reply.code) == (401, "AUTH_1002")


def test_keys_rotate_without_logging_anybody_out(start_server):
    old, new = "an-old-key-of-at-least-32-characters", "a-new-key-of-at-least-32-characters!"
    running = start_server(jwt_secret=f"a:{old}")
    body = {"name": "Awa Ngono", "phone": "+237699990001", "password": "Kumba-2024!"}
    data = running.api().post("auth/register", json=body).data
    running.stop()
    running.configure(jwt_secret=f"b:{new},a:{old}")
    running.start()
    assert ask(running, data["token"]).status == 200
    fresh = running.api().post("auth/refresh", json={"refreshToken": data["refreshToken"]}).data
    assert tokens.read(fresh["token"])[0]["kid"] == "b"
    running.stop()
    running.configure(jwt_secret=f"b:{new}")
    running.start()
    assert ask(running, data["token"]).status == 401
    assert ask(running, fresh["token"]).status == 200


def test_another_instance_reads_a_log_out_from_the_database(start_server):
    one = start_server()
    two = start_server(database_url=one.configuration["database_url"])
    body = {"name": "Awa Ngono", "phone": "+237699990002", "password": "Kumba-2024!"}
    token = one.api().post("auth/register", json=body).data["token"]
    assert ask(two, token).status == 200
    assert one.api(token).post("auth/logout").status == 200
    two.wait(lambda: {ask(two, token).status for _ in range(8)} == {401}, what="aware of the log-out")

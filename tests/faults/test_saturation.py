# SPDX-License-Identifier: MIT
"""Full queues answer 503 with Retry-After and do not affect other routes."""

import http.client

import pytest

from world.tokens import issue
from world.traffic import Traffic
from world.waiting import until

pytestmark = pytest.mark.slow

LOGIN = {"phone": "+237670000001", "password": "Wrong-1234!"}


def test_a_flood_of_log_ins_fills_only_its_own_queue(start_server):
    server = start_server(login_memory="off", work_threads=1, work_queue=2,
                          argon2_memory="16m", argon2_passes=3)
    with Traffic(server, lambda api, n: api.post("auth/login", json=LOGIN), clients=16) as flood:
        with Traffic(server, lambda api, n: api.get("vendors/vendor_123/menu"),
                     clients=2) as menus:
            menus.wait_for(200)
            flood.wait_for(30)
    assert menus.statuses() == {200}
    assert flood.statuses() <= {401, 503}, flood.statuses()
    assert 503 in flood.statuses()
    refused = [reply for _, status, reply in flood.seen if status == 503]
    assert all(reply.headers["Retry-After"] for reply in refused)


def test_a_full_lane_answers_503_and_recovers(start_server):
    server = start_server(db_lane_depth=1, db_read_lanes=1, db_write_lanes=1, loops=1)
    token = issue("USER", "user_demo_1")  # a log-in could compete with the server's own statements on the only lane
    with Traffic(server, lambda api, n: api.get("orders/history"), clients=24,
                 token=token) as traffic:
        traffic.wait_for(500)
    assert traffic.statuses() == {200, 503}, traffic.statuses()
    until(lambda: server.api(token).get("orders/history").status == 200, what="an answer")


def test_more_connections_than_allowed_do_not_end_the_server(start_server):
    server = start_server(max_connections=32, loops=1)
    wires = []
    for _ in range(60):
        try:
            wires.append(server.wire())
        except OSError:
            break
    for wire in wires:
        wire.close()

    def answered():
        try:
            return server.api().get("health").status == 200
        except (OSError, http.client.HTTPException):
            return False
    server.wait(answered, what="answering again")

# SPDX-License-Identifier: MIT
"""`reeyo migrate` of a new release, while instances of the previous one serve."""

import psycopg2
import pytest

from world.accounts import Tokens
from world.server import SECRET, reeyo
from world.traffic import Traffic

pytestmark = pytest.mark.slow

ORDER = {"vendorId": "vendor_123", "items": [{"itemId": "item_1", "quantity": 1}]}
LOG_IN = {"phone": "+237600000000", "password": "wrong-password"}


def work(api, n):
    """Requests that use functions that write, functions that only read, and the view `accounts`."""
    if n % 5 == 0:
        return api.post("orders", json=ORDER, headers={"Idempotency-Key": f"upgrade-{n}"})
    if n % 5 == 1:
        return api.post("auth/login", json=LOG_IN)
    return api.get("orders/active" if n % 2 else "wallet/balance")


def forget_functions(url):
    """Makes every function file look changed."""
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute("TRUNCATE schema_functions")
    connection.close()


def test_functions_replaced_under_load_give_no_client_an_error(start_server, databases):
    url = databases.fresh()
    server = start_server(database_url=url)
    with Traffic(server, work, token=Tokens(server)()) as traffic:
        traffic.wait_for(200)
        for _ in range(3):
            forget_functions(url)
            done = reeyo("migrate", environment={"REEYO_JWT_SECRET": SECRET, "REEYO_DATABASE_URL": url})
            assert done.returncode == 0 and "applied functions orders" in done.stdout, done
            traffic.wait_for(200)
    assert traffic.statuses() == {200, 201, 401}, traffic.statuses()

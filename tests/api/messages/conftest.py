# SPDX-License-Identifier: MIT
"""One office (a server with fake providers) for all tests of a module."""

import pytest

from world.office import Office, providers


@pytest.fixture(scope="module")
def office(start_server, fake, tmp_path_factory):
    sms, mail, push = fake("twilio"), fake("sendgrid"), fake("fcm")
    server = start_server(**providers(sms, mail, push, tmp_path_factory.mktemp("fcm")))
    made = Office(server, sms, mail, push)
    yield made
    made.sql.close()

# SPDX-License-Identifier: MIT
"""The HTTP server behind the roles that tests play: a partner, a gateway, a listener."""

import http.server
import sys


class Serving(http.server.ThreadingHTTPServer):
    """One thread per connection. A closed connection is ignored; an error in a handler fails the running test."""

    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        if not isinstance(sys.exc_info()[1], OSError):
            raise

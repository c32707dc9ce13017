# SPDX-License-Identifier: MIT
"""The HTTP server behind what tests play themselves: a partner, a gateway, somebody to call."""

import http.server
import sys


class Serving(http.server.ThreadingHTTPServer):
    """A thread for each caller. A caller who hangs up is nothing; a handler with a mistake fails the test that runs."""

    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        if not isinstance(sys.exc_info()[1], OSError):
            raise

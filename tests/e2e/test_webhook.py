"""Programs are told of changes: signed as Standard Webhooks' own library checks it, also over `kill -9`."""

import json
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from installation import Installation, free_port, wait_for
from standardwebhooks import Webhook, WebhookVerificationError


class Program:
    """A program that is told; keeps what it takes, refuses all while `broken`."""

    def __init__(self, port):
        self.taken, self.refused, self.broken = [], 0, False
        program = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if program.broken:
                    program.refused += 1
                else:
                    program.taken.append((dict(self.headers.items()), body))
                self.send_response(503 if program.broken else 204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def types(self):
        return [json.loads(body)["type"] for _, body in self.taken]


class Told(unittest.TestCase):
    def setUp(self):
        port = free_port()
        config = f'[outbound]\nallow = ["http://127.0.0.1:{port}"]\nprivate = ["127.0.0.0/8"]\n'
        self.program = Program(port)
        self.addCleanup(self.program.server.shutdown)
        self.here = self.enterContext(Installation(extra_config=config))
        self.url = f"http://127.0.0.1:{port}/nhan"

    def test_changes_come_in_order_signed_and_once_also_over_a_crash(self):
        here, program = self.here, self.program
        made = here.api("POST", "/webhooks", {"name": "SOAR", "url": self.url, "actions": "agency. system."})
        self.assertEqual(made.status, 201, made.body)
        secret = made.json()["value"]
        agency = here.agency()
        wait_for("the first message", lambda: program.taken)
        headers, body = program.taken[0]
        judge = Webhook(secret)
        told = judge.verify(body, {name.lower(): value for name, value in headers.items()})
        self.assertEqual((told["type"], told["data"]["subject"]["id"]), ("agency.create", agency))
        self.assertNotIn("Sở Thử".encode(), body, "content left the platform")
        with self.assertRaises(WebhookVerificationError):
            judge.verify(body + b" ", {name.lower(): value for name, value in headers.items()})
        # The program breaks down, and so does the platform.
        program.broken = True
        for n in range(5):
            here.system(agency, f"ht-{n}", f"Hệ thống {n}", 3)
        wait_for("a refusal", lambda: program.refused)
        here.kill()
        program.broken = False
        here.start()
        wait_for("what waited", lambda: len(program.taken) >= 6)
        self.assertEqual(program.types(), ["agency.create"] + ["system.create"] * 5)
        ids = [headers["webhook-id"] for headers, _ in program.taken]
        self.assertEqual(len(set(ids)), 6, ids)

    def test_addresses_that_may_not_be_reached_are_refused(self):
        for url in ("https://example.vn/nhan", "http://127.0.0.1:1/nhan", "nhan"):
            refused = self.here.api("POST", "/webhooks", {"name": "X", "url": url})
            self.assertEqual(refused.status, 422, refused.body)
            self.assertIn("url", refused.body.decode())


if __name__ == "__main__":
    unittest.main()

"""People are told: by a real mail server and a real HTTP gateway, also when both were down meanwhile."""

import email
import email.policy
import json
import ssl
import subprocess
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from installation import Installation, PASSWORD, PATIENCE_S, access_now, free_port, marker, wait_for
from visitor import Visitor

SMTP_PASSWORD, GATEWAY_SECRET = "mat-khau-cua-may-chu-thu", "khoa-cua-cong-tin-nhan"


class MailServer:
    """A mail server with STARTTLS and a password; keeps what it takes."""

    def __init__(self, port, certificate, key):
        self.port, self.taken = port, []
        self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.tls.load_cert_chain(certificate, key)
        self.controller = None

    async def handle_DATA(self, server, session, envelope):
        self.taken.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 taken"

    def authenticate(self, server, session, envelope, mechanism, data):
        right = data.login == b"soc" and data.password == SMTP_PASSWORD.encode()
        return AuthResult(success=right, handled=False)

    def start(self):
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, tls_context=self.tls,
                                     require_starttls=True, auth_required=True, authenticator=self.authenticate,
                                     ready_timeout=PATIENCE_S)
        self.controller.start()

    def stop(self):
        if self.controller:
            self.controller.stop(no_assert=True)
            self.controller = None


class SmsGateway:
    """A gateway for short messages; keeps what it takes, refuses all while `broken`."""

    def __init__(self, port):
        self.taken, self.refused, self.broken = [], 0, False
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.headers["Authorization"] == f"Bearer {GATEWAY_SECRET}"
                if gateway.broken:
                    gateway.refused += 1
                else:
                    gateway.taken.append((self.headers["Idempotency-Key"], json.loads(body)))
                self.send_response(503 if gateway.broken else 200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Notified(unittest.TestCase):
    def setUp(self):
        mail, sms = free_port(), free_port()
        config = f"""
[outbound]
allow = ["http://127.0.0.1:{sms}"]
private = ["127.0.0.0/8"]
authorities = ["{{folder}}/mail.pem"]
[notify.smtp]
host = "localhost"
port = {mail}
user = "soc"
password_file = "{{folder}}/smtp"
from = "Lũy Tre <soc@tinh.example>"
[notify.sms]
url = "http://127.0.0.1:{sms}/send"
body = '{{"to":"{{to}}","text":"{{text_ascii}}"}}'
secret = "{GATEWAY_SECRET}"
[notify.sms.headers]
authorization = "Bearer {{secret}}"
"""
        here = Installation(extra_config=config)
        certificate, key = here.folder / "mail.pem", here.folder / "mail.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-days", "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                        "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", certificate],
                       check=True, capture_output=True)
        (here.folder / "smtp").write_text(SMTP_PASSWORD + "\n")
        self.mail, self.sms = MailServer(mail, certificate, key), SmsGateway(sms)
        self.here = self.enterContext(here)
        self.addCleanup(self.mail.stop)
        self.addCleanup(self.sms.server.shutdown)
        here.run("user", "add", "--login", "truc", "--name", "Trực Ban", "--role", "duty_officer", "--password-stdin",
                 given=PASSWORD + "\n")
        self.officer = Visitor(here).sign_in("truc", PASSWORD)

    def prefer(self, **given):
        fields = [("_csrf", self.officer.protection("/notices/preferences")), *given.items()]
        fields += [("want", f"{kind}/{way}") for kind in ("alert.opened", "incident.opened") for way in ("email", "sms")]
        answer = self.officer.post("/notices/preferences", fields)
        self.assertEqual(answer.status, 303, answer.body)

    def attack(self, count):
        """Makes so many alerts and returns their numbers."""
        here = self.here
        agency = here.agency("so-thu", "Sở Bị Hại")
        token = None
        for n in range(count):
            system = here.system(agency, f"cong-{n}", f"Cổng {n}", 5)
            _, token = here.source(agency, f"Web {n}", system=system)
            here.ingest(token, [f'203.0.113.66 - - [{access_now()}] "GET /{marker()}.php?cmd=whoami HTTP/1.1" 200 31 "-" "-"'],
                        "text/plain")
        alerts = wait_for("the alerts", lambda: (found := here.alerts()) and len(found) >= count and found)
        return sorted(alert["number"] for alert in alerts)

    def told(self):
        return sorted(str(message["Subject"]).rsplit(" ", 1)[-1] for message in self.mail.taken)

    def test_a_broken_way_loses_and_doubles_nothing(self):
        self.prefer(email="truc@tinh.example", phone="+84 901 234 567", lang="vi")
        self.sms.broken = True
        numbers = self.attack(3)

        def failing():
            page = self.here.read("/notify")
            return all(channel["failing_since"] and channel["waiting"] >= 3 for channel in page["channels"][:2]) and page

        page = wait_for("both ways to fail", failing)
        shown = json.dumps(page)
        self.assertIn("HTTP 503", shown)
        for secret in (SMTP_PASSWORD, GATEWAY_SECRET):
            self.assertNotIn(secret, shown + self.here.log())
        # Pulled in the middle: what waits is in the database.
        self.here.kill()
        self.here.start()
        self.mail.start()
        self.sms.broken = False
        wait_for("the mail", lambda: len(self.mail.taken) >= 3)
        wait_for("the short messages", lambda: len(self.sms.taken) >= 3)
        wait_for("an empty queue", lambda: not self.here.read("/notify")["rows"])
        self.assertEqual(self.told(), numbers)
        self.assertEqual(len({message["Message-ID"] for message in self.mail.taken}), 3)
        texts = sorted(body["text"] for _, body in self.sms.taken)
        self.assertEqual([text.split()[-1] for text in texts], numbers, texts)
        self.assertEqual({body["to"] for _, body in self.sms.taken}, {"+84901234567"})
        for message in self.mail.taken:
            whole = str(message["Subject"]) + message.get_content()
            for word in ("Sở Bị Hại", "Cổng", "whoami", "203.0.113"):
                self.assertNotIn(word, whole, "what leaves names nobody")
            self.assertIn("TLP:GREEN", whole)
        # The bell counts them; reading one leads to the alert.
        self.assertEqual(self.officer.get("/notices").status, 200)
        rows = self.here.read("/notices", token=self.here.token_of("truc"))
        self.assertEqual(rows["unread"], 3)
        opened = self.officer.get(f"/notices/{rows['rows'][0]['id']}")
        self.assertRegex(opened.headers["Location"], r"^/alerts/")
        rows = self.here.read("/notices", token=self.here.token_of("truc"))
        self.assertEqual(rows["unread"], 2)

    def test_someone_tries_whether_they_are_reached(self):
        self.mail.start()
        self.prefer(email="truc@tinh.example", lang="en")
        self.officer.post("/notices/test", [("_csrf", self.officer.protection("/notices/preferences"))])
        wait_for("the test message", lambda: self.mail.taken)
        self.assertIn("this channel reaches you", str(self.mail.taken[0]["Subject"]))
        bad = self.officer.post("/notices/preferences", [("_csrf", self.officer.protection("/notices/preferences")),
                                                         ("email", "nobody"), ("phone", "12")])
        self.assertEqual(bad.status, 422)


if __name__ == "__main__":
    unittest.main()

"""Web push: what a browser's push service gets, opened and judged by another implementation than ours."""

import base64
import json
import re
import signal
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import http_ece
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from installation import Installation, PASSWORD, access_now, free_port, marker, wait_for
from visitor import Visitor


def coded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Browser:
    """A browser's side of a subscription: its key, its secret, its address at the push service."""

    def __init__(self, base, name):
        self.key, self.secret = ec.generate_private_key(ec.SECP256R1()), name.encode().ljust(16, b".")[:16]
        self.path = f"/push/{name}"
        self.endpoint = base + self.path

    def fields(self):
        point = self.key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        return {"name": self.path, "endpoint": self.endpoint, "p256dh": coded(point), "auth": coded(self.secret)}

    def open(self, body):
        return json.loads(http_ece.decrypt(body, private_key=self.key, auth_secret=self.secret, version="aes128gcm"))


class PushService:
    """Keeps what it takes; answers 410 to who is gone and 503 while broken."""

    def __init__(self, port):
        self.taken, self.asked, self.gone, self.broken = [], [], set(), False
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.asked.append(self.path)
                status = 503 if service.broken else 410 if self.path in service.gone else 201
                if status == 201:
                    service.taken.append((self.path, dict(self.headers), body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Pushed(unittest.TestCase):
    def setUp(self):
        port = free_port()
        self.base = f"http://127.0.0.1:{port}"
        self.service = PushService(port)
        self.addCleanup(self.service.server.shutdown)
        config = f"""
[outbound]
allow = ["{self.base}"]
private = ["127.0.0.0/8"]
[notify.push]
contact = "mailto:soc@tinh.example"
"""
        self.here = self.enterContext(Installation(extra_config=config))
        self.here.run("user", "add", "--login", "truc", "--name", "Trực Ban", "--role", "duty_officer", "--password-stdin",
                      given=PASSWORD + "\n")
        self.officer = Visitor(self.here).sign_in("truc", PASSWORD)

    def page(self):
        return self.officer.get("/notices/preferences").body.decode()

    def subscribe(self, name):
        browser = Browser(self.base, name)
        answer = self.send("/notices/devices", browser.fields())
        self.assertEqual(answer.status, 303, answer.body)
        return browser

    def send(self, path, fields=None):
        return self.officer.post(path, {"_csrf": self.officer.protection("/notices/preferences"), **(fields or {})})

    def try_it(self):
        before = len(self.service.asked)
        self.assertEqual(self.send("/notices/test").status, 303)
        wait_for("a push", lambda: len(self.service.asked) > before)

    def judge(self, header, key):
        """Checks the signed word of RFC 8292 with another implementation."""
        word, given = re.fullmatch(r"vapid t=([^,]+), k=(.+)", header).groups()
        self.assertEqual(given, key, "the key that the browser subscribed with")
        signed, signature = word.rsplit(".", 1)
        raw = decoded(signature)
        signature = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(given))
        public.verify(signature, signed.encode(), ec.ECDSA(hashes.SHA256()))
        head, claims = (json.loads(decoded(part)) for part in signed.split("."))
        self.assertEqual(head, {"typ": "JWT", "alg": "ES256"})
        self.assertEqual((claims["aud"], claims["sub"]), (self.base, "mailto:soc@tinh.example"))
        self.assertTrue(time.time() < claims["exp"] <= time.time() + 24 * 3600)

    def test_a_push_is_opened_by_the_browser_alone_and_says_little(self):
        key = re.search(r'data-push-key="([^"]+)"', self.page()).group(1)
        phone, desk = self.subscribe("phone"), self.subscribe("desk")
        self.try_it()
        wait_for("both", lambda: len(self.service.taken) == 2)
        for browser in (phone, desk):
            (headers, body), = [(headers, body) for path, headers, body in self.service.taken if path == browser.path]
            headers = {name.lower(): value for name, value in headers.items()}
            self.assertEqual((headers["content-encoding"], headers["ttl"]), ("aes128gcm", "86400"))
            self.judge(headers["authorization"], key)
            told = browser.open(body)
            self.assertEqual(set(told), {"title", "body", "path", "tag"})
            self.assertRegex(told["path"], r"^/notices/[0-9a-f-]{36}$")
            self.assertEqual(headers["topic"], told["tag"])
            other = desk if browser is phone else phone
            with self.assertRaises(Exception):
                other.open(body)
        # The key outlives a restart: subscriptions hang on it.
        self.here.kill(signal.SIGTERM)
        self.here.start()
        self.assertIn(key, self.page())

    def test_who_is_gone_is_forgotten_and_a_broken_service_loses_and_doubles_nothing(self):
        self.subscribe("old")
        self.service.gone.add("/push/old")
        self.try_it()
        wait_for("the browser to be forgotten", lambda: "/push/old" not in self.page())
        phone = self.subscribe("phone")
        self.service.broken = True
        # The test message goes once a minute; an alert goes by itself.
        agency = self.here.agency("so-thu", "Sở Thử")
        system = self.here.system(agency, "cong", "Cổng", 5)
        _, token = self.here.source(agency, "Web", system=system)
        self.here.ingest(token, [f'203.0.113.66 - - [{access_now()}] "GET /{marker()}.php?cmd=whoami HTTP/1.1" 200 31 "-" "-"'],
                         "text/plain")
        wait_for("the broken service", lambda: "/push/phone" in self.service.asked)
        self.here.kill()
        self.service.broken = False
        self.here.start()
        wait_for("the push", lambda: self.service.taken)
        wait_for("an empty queue", lambda: not self.here.read("/notify")["rows"])
        told = [phone.open(body) for path, _, body in self.service.taken if path == phone.path]
        self.assertEqual(len(told), len({one["tag"] for one in told}))
        self.assertNotIn("Sở Thử", json.dumps(told))

    def test_what_is_no_subscription_is_refused_and_another_s_is_not_found(self):
        good = Browser(self.base, "phone").fields()
        for wrong in ({"p256dh": "AAAA"}, {"auth": ""}, {"endpoint": "https://elsewhere.example/x"}, {"endpoint": "x" * 2000}):
            self.assertEqual(self.send("/notices/devices", good | wrong).status, 422, wrong)
        self.assertEqual(self.send("/notices/devices", good).status, 303)
        device = re.search(r'action="(/notices/devices/[^"]+/remove)"', self.page()).group(1)
        self.here.run("user", "add", "--login", "khac", "--name", "Người Khác", "--role", "duty_officer", "--password-stdin",
                      given=PASSWORD + "\n")
        other = Visitor(self.here).sign_in("khac", PASSWORD)
        answer = other.post(device, {"_csrf": other.protection("/notices/preferences")})
        self.assertEqual(answer.status, 404)
        self.assertEqual(self.send(device).status, 303)
        self.assertNotIn("/notices/devices/", self.page().replace('action="/notices/devices"', ""))


if __name__ == "__main__":
    unittest.main()

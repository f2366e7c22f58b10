"""Evidence of the built program: scanned by YARA rules, stamped by OpenSSL as the authority, handed over, taken out."""

import io
import subprocess
import tarfile
import threading
import unittest
import zipfile
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from installation import Installation, PASSWORD, access_now, free_port, marker, wait_for

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Authority:
    """A time-stamping authority: `openssl ts -reply` behind a tiny HTTP server; silent while `broken`."""

    def __init__(self, folder, port):
        self.folder, self.broken, self.asked = folder, True, 0
        folder.mkdir()
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text("""
[tsa]
default_tsa = here
[here]
serial = serial
crypto_device = builtin
signer_cert = tsa.pem
certs = ca.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = no
tsa_name = yes
ess_cert_id_chain = no
""")
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/O=Co quan thu/CN=CA thu",
                     "-keyout", "ca.key", "-out", "ca.pem")
        self.openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/O=Co quan thu/CN=Dau thoi gian thu",
                     "-keyout", "tsa.key", "-out", "tsa.csr")
        (folder / "ext").write_text("extendedKeyUsage = critical,timeStamping\n")
        self.openssl("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30",
                     "-extfile", "ext", "-out", "tsa.pem")
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                authority.asked += 1
                question = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.headers["Content-Type"] == "application/timestamp-query"
                (authority.folder / "q").write_bytes(question)
                if authority.broken:
                    return self.answer(503, b"")
                authority.openssl("ts", "-reply", "-queryfile", "q", "-config", "tsa.cnf", "-out", "r")
                self.answer(200, (authority.folder / "r").read_bytes())

            def answer(self, status, body):
                self.send_response(status)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def openssl(self, *arguments):
        done = subprocess.run(["openssl", *arguments], cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout


class Evidence(unittest.TestCase):
    def setUp(self):
        port = free_port()
        config = f"""
[outbound]
allow = ["http://127.0.0.1:{port}"]
private = ["127.0.0.0/8"]
[evidence]
yara = ["{{folder}}/rules"]
timestamp_url = "http://127.0.0.1:{port}/tsa"
"""
        here = Installation(extra_config=config)
        rules = here.folder / "rules"
        rules.mkdir()
        self.word = marker()
        (rules / "own.yar").write_text(f'rule own_word {{ strings: $a = "{self.word}" condition: $a }}\n')
        (rules / "bad.yar").write_text("rule bad {\n  strings:\n    $a = \"x\"\n  condition:\n    $b\n}\n")
        self.authority = Authority(here.folder / "tsa", port)
        self.addCleanup(self.authority.server.shutdown)
        self.here = self.enterContext(here)
        here.run("user", "add", "--login", "truc", "--name", "Trực Ban", "--role", "duty_officer", "--password-stdin",
                 given=PASSWORD + "\n")
        self.officer = here.token_of("truc")
        agency = here.agency("so-thu", "Sở Thử")
        system = here.system(agency, "cong", "Cổng", 4)
        _, token = here.source(agency, "Web", system=system)
        here.ingest(token, [f'203.0.113.66 - - [{access_now()}] "GET /{marker()}.php?cmd=whoami HTTP/1.1" 200 31 "-" "-"'],
                    "text/plain")
        alert = wait_for("an alert", here.alerts)[0]
        self.incident, _ = here.make("/incidents", {"alert": [alert["id"]], "title": "Sự cố thử"})

    def hand_in(self, name, content):
        begun, _ = self.here.make(f"/incidents/{self.incident}/evidence/begin", {"name": name, "size_bytes": len(content)})
        headers = {"Authorization": f"Bearer {self.here.token}"}
        answer = self.here.page("POST", f"/api/v1/evidence/{begun}/part?offset=0", content, headers)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertIn(self.here.api("POST", f"/evidence/{begun}/seal", {}).status, (200, 201))
        return begun

    def piece(self, piece):
        return self.here.read(f"/evidence/{piece}")

    def test_yara_rules_find_what_lies_in_archives_and_bad_rules_are_named(self):
        inner = io.BytesIO()
        with tarfile.open(fileobj=inner, mode="w:gz") as tar:
            for name, content in (("etc/motd", b"hello"), ("tmp/x", f"say {self.word} twice {self.word}".encode())):
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        outer = io.BytesIO()
        with zipfile.ZipFile(outer, "w", zipfile.ZIP_DEFLATED) as pack:
            pack.writestr("may1/eicar.com", EICAR)
            pack.writestr("may1/logs.tar.gz", inner.getvalue())
        piece = self.hand_in("thu.zip", outer.getvalue())
        self.assertIsNone(self.piece(piece)["scan"])
        self.assertIn(self.here.api("POST", f"/evidence/{piece}/scan", {}).status, (200, 201))
        scan = wait_for("the scan", lambda: self.piece(piece)["scan"])
        hits = {(hit["rule"], hit["file"]): hit for hit in scan["hits"]}
        self.assertEqual(set(hits), {("eicar_test_file", "thu.zip/may1/eicar.com"),
                                     ("own_word", "thu.zip/may1/logs.tar.gz/tmp/x")})
        found, = hits["own_word", "thu.zip/may1/logs.tar.gz/tmp/x"]["strings"]
        self.assertEqual((found["offsets"], found["count"], found["sample"]),
                         ([4, 4 + len(self.word) + 7], 2, self.word))
        bad, = scan["bad"]
        self.assertTrue(bad["path"].endswith("/bad.yar"))
        self.assertEqual(bad["line"], 5, bad)
        told = next(line for line in self.piece(piece)["custody"] if line["act"] == "scanned")
        self.assertIn("eicar_test_file", told["detail"])
        self.assertIn("Kiểm Thử", told["detail"])

    def test_a_piece_is_stamped_handed_over_and_taken_out_so_that_others_can_check(self):
        content = b"Nov 22 14:05:09 web1 sshd[1]: x\n"
        piece = self.hand_in("auth log.txt", content)
        wait_for("the authority to be asked", lambda: self.authority.asked)
        self.assertIsNone(self.piece(piece)["stamp"])
        self.authority.broken = False
        stamp = wait_for("the time stamp", lambda: self.piece(piece)["stamp"])
        self.assertEqual((stamp["authority"], stamp["policy"]), ("Dau thoi gian thu", "1.2.3.4.1"))
        self.assertLess(abs(datetime.now(timezone.utc) - datetime.fromisoformat(stamp["at"])), timedelta(minutes=10))

        # What came in waits for the centre; who gave it cannot take it.
        receipt, = self.piece(piece)["receipts"]
        take = f"/evidence/{piece}/receipts/{receipt['id']}/take"
        self.assertEqual(self.here.api("POST", take, {}).status, 422)
        self.assertIn(self.here.api("POST", take, {"remark": "Đủ"}, token=self.officer).status, (200, 201))
        self.assertEqual(self.here.api("POST", take, {}, token=self.officer).status, 409)
        receipt, = self.piece(piece)["receipts"]
        self.assertEqual((receipt["giver"], receipt["taker"], receipt["remark"]), ("Kiểm Thử", "Trực Ban", "Đủ"))
        for ending, begin in (("pdf", b"%PDF-"), ("docx", b"PK")):
            headers = {"Authorization": f"Bearer {self.officer}"}
            paper = self.here.page("GET", f"/api/v1/evidence/{piece}/receipts/{receipt['id']}/{ending}", headers=headers)
            self.assertEqual((paper.status, paper.body[:len(begin)]), (200, begin))
            if ending == "docx":
                with zipfile.ZipFile(io.BytesIO(paper.body)) as pack:
                    text = pack.read("word/document.xml").decode()
                for word in ("Kiểm Thử", "Trực Ban", receipt["digest"], f"{int(receipt['number'][-4:]):02}/BBGN"):
                    self.assertIn(word, text)
        acts = [line["act"] for line in self.piece(piece)["custody"]]
        self.assertEqual([act for act in acts if act in ("uploaded", "given", "taken-over", "stamped")].count("taken-over"), 1)
        self.assertIn("stamped", acts)

        # The sealed export carries the token; OpenSSL takes it, and refuses it for other bytes.
        job = self.here.api("POST", f"/incidents/{self.incident}/evidence/export", {}).json()["location"].rsplit("/", 1)[-1]
        wait_for("the export", lambda: any(one["ready"] for one in self.here.read(f"/incidents/{self.incident}/evidence")["exports"]))
        answer = self.here.api("GET", f"/incidents/{self.incident}/evidence/exports/{job}")
        folder = self.here.folder / "taken"
        with zipfile.ZipFile(io.BytesIO(answer.body)) as pack:
            pack.extractall(folder)
        subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "MANIFEST.sha256"], cwd=folder, check=True)
        token, = folder.glob("timestamps/*.tsr")
        data, = folder.glob("evidence/*")
        self.assertEqual(data.read_bytes(), content)
        (folder / "tsa-ca.pem").write_bytes((self.authority.folder / "ca.pem").read_bytes())
        line = next(line for line in (folder / "timestamps/README.txt").read_text().splitlines() if line.startswith("openssl"))
        checked = subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, text=True)
        self.assertIn("Verification: OK", checked.stdout + checked.stderr)
        data.write_bytes(content + b"x")
        checked = subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, text=True)
        self.assertNotEqual(checked.returncode, 0)


if __name__ == "__main__":
    unittest.main()

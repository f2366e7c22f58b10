"""Garbage at every door: the platform stays up and small, and every byte it took can be accounted for."""

import gzip
import json
import random
import socket
import unittest
import zlib
from datetime import datetime, timedelta, timezone

from installation import PATIENCE_S, Installation, bsd_now, http_call, marker, wait_for

# What the process may hold at its worst: bodies and unfinished records have 256 MiB each, the lake's
# waiting events as much again, and the rest is small. The promise is 1.5 GB.
MEMORY_KIB_MAX = 1_500_000

RECORD_BYTES_MAX = 1024 * 1024


class Garbage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.random = random.Random(20261123)
        cls.here = cls.enterClassContext(Installation())
        agency = cls.here.agency()
        cls.udp_source = cls.here.source(agency, "Nguồn UDP", "syslog", listener="udp", peers="127.0.0.0/8")[0]
        cls.tcp_source = cls.here.source(agency, "Nguồn TCP", "syslog", listener="tcp", peers="127.0.0.0/8")[0]
        cls.http_source, cls.token = cls.here.source(agency, "Nguồn HTTP")
        cls.logs = cls.here.folder / "logs"
        cls.logs.mkdir()
        cls.file_source = cls.here.source(agency, "Nguồn tệp", "file", path=str(cls.logs / "*.log"))[0]

    def tearDown(self):
        """Whatever a test threw in: still the same process, still answering, still small, nothing lost."""
        self.assertTrue(self.here.is_up(), self.here.log()[-2000:])
        self.assertLess(self.here.memory_peak_kib(), MEMORY_KIB_MAX)
        self.assertNotIn("panicked", self.here.log())
        for source in (self.udp_source, self.tcp_source, self.http_source, self.file_source):
            self.assert_accounted(source)

    def assert_accounted(self, source):
        """What was received is in the lake or a dead letter: counted by the platform, and really there."""

        def balance():
            # A connection's last bytes may be on their way when its test ends.
            received, read, dead = self.here.settled(source)
            letters = self.here.read("/dead-letters", source=source, state="all", rows=1)["pager"]["total"]
            found = self.here.count(f"source_id:{source}")
            return (received, found, letters) == (read + dead, read, dead)

        wait_for("everything that was received to be somewhere", balance)

    def stream(self, *parts):
        """Sends bytes over one TCP connection and closes it."""
        with socket.create_connection(("127.0.0.1", self.here.tcp), timeout=PATIENCE_S) as line:
            for part in parts:
                line.sendall(part)

    def letters(self, source, code):
        return self.here.dead_letters(source=source, code=code)

    def noise(self, length):
        return self.random.randbytes(length)

    def test_random_bytes_at_every_door(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            for _ in range(200):
                line.sendto(self.noise(self.random.randint(1, 1400)), ("127.0.0.1", self.here.udp))
        self.stream(self.noise(3_000_000))
        for path in ("/ingest", "/_bulk", "/", "/logs/_bulk", "/logs/_doc"):
            for kind in ("application/x-ndjson", "text/plain", "application/json", "", "image/png"):
                for encoding in ("", "gzip", "deflate", "zstd", "br"):
                    answer = http_call("POST", f"http://127.0.0.1:{self.here.http}{path}", self.noise(2000), {
                        "Authorization": f"Bearer {self.token}", "Content-Type": kind, "Content-Encoding": encoding})
                    self.assertIn(answer.status, (200, 400, 413, 415), (path, kind, encoding, answer.body))
        with socket.create_connection(("127.0.0.1", self.here.http), timeout=PATIENCE_S) as line:
            line.sendall(self.noise(50_000))
        with socket.create_connection(("127.0.0.1", self.here.web), timeout=PATIENCE_S) as line:
            line.sendall(self.noise(50_000))
        (self.logs / "nhieu.log").write_bytes(self.noise(300_000) + b"\n")
        wait_for("unreadable lines of the file", lambda: self.letters(self.file_source, "not-text"))
        for source in (self.udp_source, self.tcp_source, self.http_source):
            letters = self.letters(source, "not-text")
            self.assertTrue(letters, "random bytes are no text")
            self.assertTrue(all(letter["detail"] for letter in letters))

    def test_ten_megabyte_lines(self):
        long, word = f"<13>{bsd_now()} may dai: ".encode() + b"A" * 10_000_000, marker()
        good = f"<13>{bsd_now()} may sau: {word}\n".encode()
        before = len(self.letters(self.tcp_source, "too-long"))
        self.stream(long, b"\n", good)
        self.here.event(f'"{word}"')
        letters = wait_for("the pieces", lambda: (found := self.letters(self.tcp_source, "too-long"))
                           and len(found) > before and found)
        pieces = letters[:len(letters) - before]
        self.assertEqual(sum(letter["size"] for letter in pieces), len(long), "every byte is kept")
        self.assertTrue(all(letter["size"] <= RECORD_BYTES_MAX for letter in pieces))
        self.assertIn("longer than 1048576 bytes", pieces[0]["detail"])

        record, word = json.dumps({"message": "B" * 10_000_000}), marker()
        answer = self.here.ingest(self.token, [record, json.dumps({"message": word})])
        self.assertEqual((answer.status, answer.json()["accepted"], answer.json()["rejected"]), (200, 1, 1))
        self.here.event(f'"{word}"')
        pieces = wait_for("the pieces", lambda: self.letters(self.http_source, "too-long"))
        self.assertEqual(sum(letter["size"] for letter in pieces), len(record))

        word = marker()
        (self.logs / "dai.log").write_bytes(b"C" * 10_000_000 + b"\n" + word.encode() + b"\n")
        self.here.event(f'"{word}"')
        pieces = wait_for("the pieces", lambda: self.letters(self.file_source, "too-long"))
        self.assertEqual(sum(letter["size"] for letter in pieces), 10_000_000)

    def test_invalid_utf8_is_read_as_far_as_it_goes(self):
        word = marker()
        line = f"<13>{bsd_now()} may ung-dung: ".encode() + b"ten=\xff\xfeb\xc0 " + word.encode()
        self.stream(line + b"\n")
        event = self.here.event(f'"{word}"')
        self.assertIn("\\xff\\xfe", event["raw"])
        self.assertIn("invalid-utf8", [note["code"] for note in event["notes"]])
        answer = self.here.ingest(self.token, b'{"message":"' + b"\xff\xfe" + b'"}\n')
        self.assertIn(answer.status, (200, 400))

    def test_bombs_are_refused_and_leave_no_trace(self):
        received = self.here.settled(self.http_source)[0]
        zeros = b"0" * 1_000_000
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        bomb = b"".join(packer.compress(zeros) for _ in range(500)) + packer.flush()
        line = b'{"a":"' + b"x" * 200_000 + b'"}\n'
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        lines = b"".join(packer.compress(line) for _ in range(1000)) + packer.flush()
        for body in (bomb, lines, gzip.compress(bomb)):
            for path in ("/ingest", "/_bulk"):
                answer = http_call("POST", f"http://127.0.0.1:{self.here.http}{path}", body, {
                    "Authorization": f"Bearer {self.token}", "Content-Type": "application/x-ndjson",
                    "Content-Encoding": "gzip"})
                unpacked_once = body is not bomb and body is not lines
                self.assertIn(answer.status, (200, 400, 413) if unpacked_once else (413,), answer.body[:300])
                self.assertIn(b"reason", answer.body)
        word = marker()
        self.assertEqual(self.here.ingest(self.token, [json.dumps({"message": word})]).status, 200)
        self.here.event(f'"{word}"')
        self.assertLess(self.here.settled(self.http_source)[0] - received, 20, "nothing of a refused body is kept")

    def test_a_bad_clock_hides_nothing(self):
        now = datetime.now(timezone.utc)
        lines = []
        for year in ("1970-01-01T00:00:05Z", "2099-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
            word = marker()
            lines.append((word, year))
            record = {"@timestamp": year, "message": word}
            self.assertEqual(self.here.ingest(self.token, [json.dumps(record)]).status, 200)
            word = marker()
            lines.append((word, year))
            self.stream(f"<13>1 {year} may ung-dung - - - {word}\n".encode())
        for word, year in lines:
            with self.subTest(year):
                events = wait_for(f"{year} in the past hour", lambda: self.here.search(f'"{word}"', range="1h"))
                event = events[0]
                self.assertLess(abs(datetime.fromisoformat(event["at"]) - now), timedelta(minutes=10))
                self.assertEqual(event["time_quality"], "collected")
                note = next(note for note in event["notes"] if note["code"] == "clock-off")
                self.assertIn(year[:4], note["detail"], "the stated time is quoted")

    def test_duplicate_keys(self):
        word = marker()
        line = f'{{"message":"{word}","user":{{"name":"an"}},"role":"guest","role":"admin","role":"root"}}'
        self.assertEqual(self.here.ingest(self.token, [line]).status, 200)
        event = self.here.event(f'"{word}"')
        self.assertEqual(event["raw"], line, "the record stays as it came")
        values = [field["value"] for field in event["fields"] if field["name"].startswith("role")]
        for value in ("guest", "admin", "root"):
            self.assertTrue(any(value in kept for kept in values), f"{value} is hidden by another: {values}")

    def test_deep_json(self):
        for opening, closing in (('{"a":', "}"), ("[", "]"), ('{"a":[', "]}")):
            word = marker()
            depth = 100_000
            line = f'{{"message":"{word}","deep":' + opening * depth + "1" + closing * depth + "}"
            answer = self.here.ingest(self.token, [line])
            self.assertIn(answer.status, (200, 400), answer.body[:200])
            if answer.status == 200:
                self.here.event(f'"{word}"')
            else:
                wait_for("the dead letter", lambda: [
                    letter for letter in self.letters(self.http_source, "bad-json") if word in letter["preview"]])
            self.stream(line.encode() + b"\n")
        self.here.ingest(self.token, b"[" * 900_000)
        self.here.ingest(self.token, b'{"a":' * 200_000 + b"\n")

    def test_octet_counts_that_lie(self):
        before, after = marker(), marker()
        good = f"<13>{bsd_now()} may ung-dung: {before}".encode()
        last = f"<13>{bsd_now()} may ung-dung: {after}".encode()

        def counted(line, lie=0):
            return str(len(line) + lie).encode() + b" " + line

        # Too short a count: what is left over is astray; the next honest count is found again.
        self.stream(counted(good), counted(b"<13>Nov 23 10:00:00 may x: qua ngan roi nhe", -20), counted(last))
        self.here.event(f'"{before}"')
        self.here.event(f'"{after}"')
        self.assertTrue(wait_for("what is astray", lambda: self.letters(self.tcp_source, "bad-octet-count")))
        # Too long a count, and then nothing.
        self.stream(counted(b"<13>Nov 23 10:00:00 may x: thieu", 5000))
        letter = wait_for("what was cut short", lambda: self.letters(self.tcp_source, "cut-short"))[0]
        self.assertIn("5000 bytes", letter["detail"])
        for count in (b"0 <13>a", b"00000012 <13>a", b"99999999999999999999 <13>a", b"9999999 <13>a", b"-5 <13>a",
                      b"5"):
            self.stream(counted(b"<13>Nov 23 10:00:00 may x: dau"), count)

    def test_half_frames(self):
        """A line that the connection ended is a record all the same."""
        word = marker()
        self.stream(f"<13>{bsd_now()} may ung-dung: {word}".encode())
        self.here.event(f'"{word}"')
        word = marker()
        self.stream(*(bytes([byte]) for byte in f"<13>{bsd_now()} may ung-dung: {word}\n".encode()))
        self.here.event(f'"{word}"')
        with socket.create_connection(("127.0.0.1", self.here.http), timeout=PATIENCE_S) as line:
            line.sendall(b"POST /ingest HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + self.token.encode()
                         + b"\r\nContent-Type: text/plain\r\nContent-Length: 5000\r\n\r\nnua chung")

    def test_slow_connections_stop_nobody(self):
        held = []
        self.addCleanup(lambda: [line.close() for line in held])
        for number in range(300):
            for port, beginning in ((self.here.tcp, b"<13>Nov 23"),
                                    (self.here.http, b"POST /ingest HTTP/1.1\r\nHost: a\r\nX-Cham: 1"),
                                    (self.here.web, b"GET /sign-in HTTP/1.1\r\nHost: a\r\nX-Cham: 1")):
                line = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
                line.sendall(beginning[:1 + number % len(beginning)])
                held.append(line)
        word, other = marker(), marker()
        self.assertEqual(self.here.ingest(self.token, [json.dumps({"message": word})]).status, 200)
        self.stream(f"<13>{bsd_now()} may ung-dung: {other}\n".encode())
        self.assertEqual(self.here.page("GET", "/sign-in").status, 200)
        self.here.event(f'"{word}"')
        self.here.event(f'"{other}"')

    def test_what_became_readable_is_read_again(self):
        """A dead letter keeps its bytes exactly; replaying one that still cannot be read keeps it."""
        bytes_in = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + self.noise(50).replace(b"\n", b"?")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.sendto(bytes_in.rstrip(b"\r\n\0"), ("127.0.0.1", self.here.udp))

        def found():
            letters = self.letters(self.udp_source, "not-text")
            return next((letter for letter in letters if self.here.dead_letter_bytes(letter) ==
                         bytes_in.rstrip(b"\r\n\0")), None)

        letter = wait_for("the very bytes", found)
        self.assertEqual(self.here.api("POST", f"/dead-letters/{letter['id']}/replay", {}).status, 200)
        again = self.here.read(f"/dead-letters/{letter['id']}")
        self.assertEqual((again["row"]["state"], again["row"]["code"]), ("new", "not-text"))
        self.assertEqual(self.here.api("POST", f"/dead-letters/{letter['id']}/discard", {}).status, 200)
        self.assertEqual(self.here.read(f"/dead-letters/{letter['id']}")["row"]["state"], "discarded")


if __name__ == "__main__":
    unittest.main()

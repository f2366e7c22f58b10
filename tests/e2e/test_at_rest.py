"""Encryption at rest, whatever is kept: of what came in, was counted, taken along and handed over, nothing lies in the
data folder as it is, but in the database."""

import json
import signal
import subprocess
import unittest
from pathlib import Path

from installation import BINARY, PATIENCE_S, Installation, access_now, marker, wait_for
from test_crash import COUNTING_ID, COUNTING_RULE, ENCRYPTION, LAKE

RULES = '[rules]\nfolders = ["{folder}/rules"]\n'

ADDRESS = "198.51.100.7"


class AtRest(unittest.TestCase):
    def begin(self, encrypted):
        self.word = marker("bimat")
        self.here = Installation("", LAKE + (ENCRYPTION if encrypted else "") + RULES)
        rules = self.here.folder / "rules"
        rules.mkdir()
        # Each failed sign-in is an alert as well: an incident begins with one.
        rule = COUNTING_RULE.replace("type: event_count", "type: event_count\n  generate: true")
        (rules / "counting.yml").write_text(rule.format(word=self.word, id=COUNTING_ID))
        self.luytre("lake", "key", "new", str(self.here.folder / "lake.key"))
        self.enterContext(self.here)
        self.source, self.token = self.here.source(self.here.agency(), "Cổng đăng nhập")
        self.sent = 0

    def luytre(self, *arguments):
        done = subprocess.run([BINARY, "--config", str(self.here.config), *arguments], text=True, capture_output=True,
                              timeout=PATIENCE_S)
        return done.returncode, done.stdout + done.stderr

    def send(self, times):
        """Sends so many failed sign-ins, and waits until they can be searched."""
        for _ in range(times):
            self.sent += 1
            line = f'{ADDRESS} - - [{access_now()}] "GET /{self.word}/{self.sent} HTTP/1.1" 401 31 "-" "{self.word}"'
            self.assertEqual(self.here.ingest(self.token, [line], "text/plain").status, 200)
        wait_for("all records", lambda: self.here.count(f"source_id:{self.source}") == self.sent)

    def counted(self):
        return sum(alert["findings"] for alert in self.here.alerts(COUNTING_ID))

    def export(self):
        """Has a file made, and returns what is taken of it."""
        made, _ = self.here.make("/exports", {"q": f"source_id:{self.source}", "range": "24h", "format": "ndjson"})
        wait_for("the file", lambda: self.here.read(f"/exports/{made}")["ready"])
        return made

    def taken(self, export):
        body = self.here.api("GET", f"/exports/{export}/file").body
        return [json.loads(line) for line in body.decode().splitlines()]

    def incident(self):
        alert = wait_for("an alert", self.here.alerts)[0]
        return self.here.make("/incidents", {"alert": [alert["id"]], "title": "Sự cố thử"})[0]

    def begin_piece(self, incident, content):
        return self.here.make(f"/incidents/{incident}/evidence/begin", {"name": "a.log", "size_bytes": len(content)})[0]

    def part(self, piece, offset, content):
        headers = {"Authorization": f"Bearer {self.here.token}"}
        answer = self.here.page("POST", f"/api/v1/evidence/{piece}/part?offset={offset}", content, headers)
        self.assertEqual(answer.status, 200, answer.body)

    def seal(self, piece):
        self.assertIn(self.here.api("POST", f"/evidence/{piece}/seal", {}).status, (200, 201))

    def bytes_of(self, piece):
        return self.here.api("GET", f"/evidence/{piece}/file").body

    def data(self):
        return self.here.folder / "data"

    def explained(self, event):
        """Returns how the counting rule is explained on an event of the lake, once its file is written."""
        rule = self.here.folder / "rules" / "counting.yml"

        def told():
            code, said = self.luytre("rules", "explain", str(rule), event)
            return None if "are not in them yet" in said else (code, said)
        return wait_for("the event's file", told)

    def telling(self, *words):
        """Returns the files in which one of the words stands, but for the database's."""
        found = []
        for path in self.data().rglob("*"):
            if path.is_file() and not path.name.startswith("luytre.db"):
                content = path.read_bytes()
                found += [path for word in words if word.encode() in content]
        return found

    def test_nothing_lies_in_the_data_folder_as_it_is(self):
        self.begin(encrypted=True)
        self.send(4)
        code, said = self.explained(self.here.export(f"source_id:{self.source}")[0]["id"])
        self.assertEqual(code, 0, said)
        self.assertIn(f"/⟦{self.word}⟧/", said)
        code, said = self.explained("01a22440-c968-7000-85cc-17dd9eabc10c")
        self.assertEqual(code, 1, said)
        self.assertIn("the lake has no event 01a22440-c968-7000-85cc-17dd9eabc10c", said)
        incident = self.incident()
        content = f"{self.word} ".encode() * 40_000
        half = len(content) // 2
        piece = self.begin_piece(incident, content)
        self.part(piece, 0, content[:half])
        # Killed between two parts, in the middle of what is counted.
        self.here.kill(signal.SIGKILL)
        self.assertEqual(self.telling(self.word), [])
        self.here.start()
        self.part(piece, half, content[half:])
        self.seal(piece)
        self.assertEqual(self.bytes_of(piece), content)
        export = self.export()
        self.assertEqual(len(self.taken(export)), 4)
        waiting = self.begin_piece(incident, content)
        self.part(waiting, 0, content[:half])
        self.send(1)
        wait_for("the correlation", self.counted)
        self.here.kill(signal.SIGTERM)
        self.assertEqual(self.telling(self.word, "luytre engine state"), [])
        names = {path.name for path in self.data().iterdir()}
        self.assertIn("engine.state.sealed", names)
        self.assertNotIn("engine.state", names)
        self.assertIn("0 other files are plain", self.luytre("lake", "key", "list")[1])

        # A new key for all of it; what is read and taken after is the same.
        code, said = self.luytre("lake", "key", "rotate", "--files")
        self.assertEqual(code, 0, said)
        newest = said.split("data key ")[1].split()[0]
        code, said = self.luytre("lake", "key", "list")
        self.assertEqual(code, 0, said)
        self.assertNotIn("under ", said, "all files are under the newest key")
        self.assertIn(newest, said)
        self.here.start()
        self.assertEqual(len(self.taken(export)), 4)
        self.assertEqual(self.bytes_of(piece), content)
        self.part(waiting, half, content[half:])
        self.seal(waiting)
        self.assertEqual(self.bytes_of(waiting), content)
        self.here.kill(signal.SIGTERM)
        self.assertEqual(self.telling(self.word), [])

    def test_what_was_kept_before_encryption_is_taken_over(self):
        self.begin(encrypted=False)
        self.send(3)
        incident, export = self.incident(), self.export()
        content = f"{self.word} ".encode() * 1000
        piece = self.begin_piece(incident, content)
        self.part(piece, 0, content)
        self.seal(piece)
        waiting = self.begin_piece(incident, content)
        self.part(waiting, 0, content[:100])
        self.here.kill(signal.SIGTERM)
        self.assertTrue(self.telling(self.word))
        self.assertTrue((self.data() / "engine.state").exists())

        text = self.here.config.read_text()
        self.here.config.write_text(text + ENCRYPTION.replace("{folder}", str(self.here.folder)))
        self.here.start()
        self.assertEqual(len(self.taken(export)), 3)
        self.assertEqual(self.bytes_of(piece), content)
        self.part(waiting, 100, content[100:])
        self.seal(waiting)
        self.assertEqual(self.bytes_of(waiting), content)
        # Three were counted before: two make five.
        self.send(2)
        wait_for("the correlation", self.counted)
        self.here.kill(signal.SIGTERM)
        self.assertFalse((self.data() / "engine.state").exists())
        code, said = self.luytre("lake", "key", "list")
        self.assertIn("1 other files are plain", said)
        self.assertIn(f"{export}: plain", said)
        code, said = self.luytre("lake", "key", "rotate", "--files")
        self.assertEqual(code, 0, said)
        self.assertIn("0 other files are plain", self.luytre("lake", "key", "list")[1])
        exports = [path for path in self.telling(self.word) if "exports" in path.parts]
        self.assertEqual(exports, [])
        self.here.start()
        self.assertEqual(len(self.taken(export)), 3)
        self.assertEqual(self.bytes_of(piece), content)

    def test_a_state_whose_key_is_not_there_is_named_and_stays(self):
        self.begin(encrypted=True)
        self.send(4)
        self.here.kill(signal.SIGTERM)
        state = self.data() / "engine.state.sealed"
        whole = state.read_bytes()
        # The data key's id stands in the trailer, behind its first eight bytes.
        lost = bytearray(whole)
        lost[-64:-48] = bytes(16)
        state.write_bytes(lost)
        length = len(self.here.log().encode())
        with self.assertRaises(AssertionError):
            self.here.start()
        said = self.here.log(length)
        self.assertIn(str(Path("data") / "engine.state.sealed"), said)
        self.assertIn("00000000-0000-0000-0000-000000000000", said)
        self.assertEqual(state.read_bytes(), bytes(lost))
        state.write_bytes(whole)
        self.here.start()
        self.send(1)
        wait_for("the correlation", self.counted)


if __name__ == "__main__":
    unittest.main()

"""Whoever has docs/proof.md, the chain and the files checks them without the platform: the program printed there finds
what was changed."""

import json
import re
import shutil
import signal
import subprocess
import sys
import unittest
from pathlib import Path

from installation import BINARY, POSTGRES, Installation, postgres_database, wait_for

SETTINGS = """
[lake]
flush_events = 200
flush_interval_s = 1
"""

DOCS = Path(__file__).parents[2] / "docs" / "proof.md"


class Proof(unittest.TestCase):
    database_url = staticmethod(lambda: "")

    def setUp(self):
        self.here = self.enterContext(Installation(self.database_url(), SETTINGS))
        _, token = self.here.source(self.here.agency(), "Nguồn log")
        sent = 0
        for _ in range(4):
            lines = [json.dumps({"message": f"đăng nhập thất bại {number}"}) for number in range(200)]
            self.assertEqual(self.here.ingest(token, lines).status, 200)
            sent += len(lines)
            wait_for("all of it in files", lambda: self.told()["events"] == sent)
        self.here.kill(signal.SIGTERM)
        self.check = self.here.folder / "check.py"
        self.check.write_text(re.search(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL).group(1))
        self.chain = self.here.folder / "chain.ndjson"
        self.chain.write_text(self.here.run("lake", "chain"))
        self.lake = self.here.folder / "data" / "lake"

    def told(self):
        # Whatever it warns of comes after its answer.
        command = [BINARY, "--config", str(self.here.config), "lake", "verify", "--json"]
        return json.JSONDecoder().raw_decode(subprocess.run(command, text=True, capture_output=True).stdout)[0]

    def checked(self, chain=None, *more):
        done = subprocess.run([sys.executable, self.check, chain or self.chain, "--files", self.lake, *more], text=True,
                              capture_output=True)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout

    def test_the_printed_program_finds_what_was_changed(self):
        head = self.told()["chain_head"]
        code, said = self.checked(None, "--head", head)
        self.assertEqual(code, 0, said)
        self.assertIn(head, said)
        code, said = self.checked(None, "--head", "00" * 32)
        self.assertEqual(code, 1, said)
        self.assertIn("noted hash", said)
        lines = self.chain.read_text().splitlines()
        self.assertGreaterEqual(len(lines), 4)
        other = self.here.folder / "other.ndjson"
        entry = json.loads(lines[1])
        entry["detail"] = entry["detail"].replace('"events":200', '"events":199')
        for meddled in (lines[:1] + lines[2:], lines[:1] + [json.dumps(entry)] + lines[2:], lines[1:]):
            other.write_text("\n".join(meddled))
            code, said = self.checked(other)
            self.assertEqual(code, 1, said)
            self.assertIn("the chain breaks", said)
        other.write_text("\n".join(lines[:-1]))
        self.assertEqual(self.checked(other, "--head", head)[0], 1, "its end was cut off")
        file = sorted(self.lake.glob("day=*/*.parquet"))[0]
        whole = file.read_bytes()
        for change, told in ((lambda: file.write_bytes(whole[:-1] + b"x"), "is not as it was written"),
                             (file.unlink, "is not there")):
            change()
            code, said = self.checked()
            self.assertEqual(code, 1, said)
            self.assertIn(told, said)
            file.write_bytes(whole)
        stranger = file.with_name("01a00000-0000-7000-8000-000000000001.parquet")
        shutil.copy(file, stranger)
        self.assertIn("never came by the chain", self.checked()[1])
        stranger.unlink()
        self.assertEqual(self.checked()[0], 0)


@unittest.skipUnless(POSTGRES, "no PostgreSQL")
class ProofOnPostgres(Proof):
    database_url = staticmethod(postgres_database)


if __name__ == "__main__":
    unittest.main()

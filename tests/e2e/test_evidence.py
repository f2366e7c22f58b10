"""Evidence of the built program: scanned by YARA rules, in archives too."""

import io
import tarfile
import unittest
import zipfile

from installation import Installation, access_now, marker, wait_for

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Evidence(unittest.TestCase):
    def setUp(self):
        config = """
[evidence]
yara = ["{folder}/rules"]
"""
        here = Installation(extra_config=config)
        rules = here.folder / "rules"
        rules.mkdir()
        self.word = marker()
        (rules / "own.yar").write_text(f'rule own_word {{ strings: $a = "{self.word}" condition: $a }}\n')
        (rules / "bad.yar").write_text("rule bad {\n  strings:\n    $a = \"x\"\n  condition:\n    $b\n}\n")
        self.here = self.enterContext(here)
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


if __name__ == "__main__":
    unittest.main()

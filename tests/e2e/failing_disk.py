"""An installation on a disk that fails when it is told to: errors and short writes at random, of chosen calls on
chosen files (failing_disk.c, compiled here)."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from installation import BINARY, PATIENCE_S, Installation

COMPILER = shutil.which("cc")

# All that changes a disk.
CHANGES = "write,sync,truncate,rename,unlink,create"

_built = []


def shim():
    """Returns the library, compiled once."""
    if not _built:
        folder = tempfile.TemporaryDirectory(prefix="luytre-failing-disk-")
        library = Path(folder.name) / "failing_disk.so"
        source = Path(__file__).with_name("failing_disk.c")
        subprocess.run([COMPILER, "-O1", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True,
                       timeout=PATIENCE_S)
        # The folder lives as long as this module.
        _built.extend((library, folder))
    return _built[0]


class OnFailingDisk(Installation):
    """Its data folder lies on the disk that fails; configuration and log do not."""

    def spawn(self):
        self.plan = self.folder / "plan"
        environment = dict(os.environ, LD_PRELOAD=str(shim()), LUYTRE_FAULT_PLAN=str(self.plan),
                           LUYTRE_FAULT_FOLDER=str(self.folder / "data"))
        with open(self.folder / "serve.log", "ab") as log:
            said = log.tell()
            self.process = subprocess.Popen([BINARY, "--config", str(self.config), "serve"], stdout=log, stderr=log,
                                            env=environment)
        return said

    def fail(self, *lines):
        """Lets calls fail from now on: (probability, calls, part of the path)."""
        beside = self.plan.with_suffix(".new")
        beside.write_text("".join(f"{probability} {calls} {part}\n" for probability, calls, part in lines))
        beside.rename(self.plan)

    def heal(self):
        self.plan.unlink()

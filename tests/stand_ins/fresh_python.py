"""A fresh interpreter for tests of what is imported when: the present one has loaded everything already."""

import subprocess
import sys


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def barred(*names: str) -> str:
    """Code that makes imports of these packages fail, as where they are not installed; `Bar.asked` names those that were tried."""
    return f"""
import sys
class Bar:
    asked = []
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            self.asked.append(name)
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Bar())
"""

"""sparse-run as one long-running process (--serve), which spares each run the loading of its libraries."""
import dataclasses
import json
import os
import pathlib
import select
import signal
import subprocess
import time

PATIENCE = 10  # a busy machine takes so many times as long as the processor time that it gives


class Hang(Exception):
    pass


@dataclasses.dataclass
class Done:
    returncode: int  # the exit code, or minus the signal
    stderr: str


class Tool:
    def __init__(self, program):
        self.program, self.process = str(program), None

    def run(self, arguments, timeout):
        """Runs one command; raises Hang, and leaves nothing behind, where it takes more than `timeout` seconds of processor time, or
        PATIENCE times as many by the clock."""
        if self.process is None:
            # Names are looked up at once, not again by each command's copy of the process.
            self.process = subprocess.Popen([self.program, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, start_new_session=True,
                                            env={**os.environ, "LD_BIND_NOW": "1"})
        self.process.stdin.write((json.dumps(arguments) + "\n").encode())
        reply, pipe, begin = b"", self.process.stdout, time.monotonic()
        while not reply.endswith(b"\n"):
            if not select.select([pipe], [], [], min(timeout, 1))[0]:
                if self._spent() < timeout and time.monotonic() - begin < PATIENCE * timeout:
                    continue
                self.close(now=True)
                raise Hang
            part = os.read(pipe.fileno(), 1 << 16)
            if not part:
                self.close()
                raise RuntimeError(f"{self.program} --serve ended")
            reply += part
        answer = json.loads(reply)
        return Done(answer["exit"], answer["stderr"])

    def _spent(self):
        """Seconds of processor time that the running command has taken."""
        try:
            child = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[0]
            fields = pathlib.Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        except (OSError, IndexError):  # it has just ended
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self, now=False):
        """Ends the process, with `now` at once and with the command that it runs."""
        if self.process is not None:
            if now:
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.stdin.close()
            self.process.wait()
            self.process.stdout.close()
            self.process = None

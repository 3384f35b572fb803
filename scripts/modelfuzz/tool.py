"""sparse-run as one long-running process (--serve), which spares each run the loading of its libraries."""
import dataclasses
import json
import os
import select
import signal
import subprocess


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
        """Runs one command; raises Hang, and leaves nothing behind, where it takes longer than `timeout` seconds."""
        if self.process is None:
            # Names are looked up at once, not again by each command's copy of the process.
            self.process = subprocess.Popen([self.program, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, start_new_session=True,
                                            env={**os.environ, "LD_BIND_NOW": "1"})
        self.process.stdin.write((json.dumps(arguments) + "\n").encode())
        reply, pipe = b"", self.process.stdout
        while not reply.endswith(b"\n"):
            if not select.select([pipe], [], [], timeout)[0]:
                self.close(now=True)
                raise Hang
            part = os.read(pipe.fileno(), 1 << 16)
            if not part:
                self.close()
                raise RuntimeError(f"{self.program} --serve ended")
            reply += part
        answer = json.loads(reply)
        return Done(answer["exit"], answer["stderr"])

    def close(self, now=False):
        """Ends the process, with `now` at once and with the command that it runs."""
        if self.process is not None:
            if now:
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.stdin.close()
            self.process.wait()
            self.process.stdout.close()
            self.process = None

"""The outputs of one cell, put together as nbclient does, and cut where they are too long.

Grades depend on them: nbgrader gives no points for an error or for anything on stderr, and a
displayed number counts as partial credit.
"""

import codecs

MOST = 200  # outputs kept of one cell
ERROR = 20_000  # characters kept of an error's message and of each line of its traceback
CUT = "\n… output cut here: a cell may print {} characters …\n"


class Outputs:
    """Collects what a cell prints and shows; `outputs` is the list for the notebook."""

    def __init__(self, limits):
        self.limits = limits
        self.outputs = []
        self.was_cut = False
        self._printed = {"stdout": 0, "stderr": 0}
        self._shown = 0
        self._clear_next = False
        self._decoders = {
            name: codecs.getincrementaldecoder("utf-8")("replace") for name in self._printed
        }

    def write(self, name, data):
        """Take bytes printed to the stream called `name`."""
        text = self._decoders[name].decode(data)
        if not text:
            return
        room = self.limits.output - self._printed[name]
        self._printed[name] += len(text)
        if room <= 0:
            self.was_cut = True
            return
        if len(text) > room:
            text = text[:room] + CUT.format(self.limits.output)
            self.was_cut = True
        self._before_output()
        last = self.outputs[-1] if self.outputs else {}
        if last.get("output_type") == "stream" and last["name"] == name:
            last["text"] += text
        else:
            self._add({"output_type": "stream", "name": name, "text": text}, must=name == "stderr")

    def take(self, kind, content):
        """Take a message as a kernel sends it; raises KeyError, TypeError or ValueError if bad."""
        if kind == "clear_output":
            self._clear_next = bool(content.get("wait"))
            if not self._clear_next:
                self.outputs.clear()
        elif kind == "error":
            self.fail(content["ename"], content["evalue"], content["traceback"])
        elif kind == "update_display_data":
            self._update(content)
        elif kind in ("display_data", "execute_result"):
            self._before_output()
            output = {"output_type": kind, "data": self._data(content), "metadata": {}}
            if kind == "execute_result":
                output["execution_count"] = None
            elif display := (content.get("transient") or {}).get("display_id"):
                output["display_id"] = str(display)
            self._add(output, must=kind == "execute_result")
        else:
            raise ValueError(f"no kernel sends {kind!r}")

    def fail(self, name, why, traceback=()):
        """Add an error."""
        self._before_output()
        error = {
            "output_type": "error",
            "ename": str(name)[:1000],
            "evalue": str(why)[:ERROR],
            "traceback": [str(line)[:ERROR] for line in list(traceback)[:200]],
        }
        self._add(error, must=True)

    def replied(self, reply):
        """Take the reply to the cell: an error that it names must be among the outputs."""
        if reply.get("status") == "ok":
            return
        name = str(reply.get("ename"))
        if all(o["output_type"] != "error" or o["ename"] != name for o in self.outputs):
            traceback = reply.get("traceback") or ["an error occurred while none could be shown"]
            self.fail(name, reply.get("evalue"), traceback)

    def finish(self):
        """Return the outputs, fit for a notebook."""
        for output in self.outputs:
            output.pop("display_id", None)
        return self.outputs

    def _before_output(self):
        if self._clear_next:
            self.outputs.clear()
            self._clear_next = False

    def _add(self, output, must=False):
        if len(self.outputs) < MOST:
            self.outputs.append(output)
        else:
            self.was_cut = True
            if must and len(self.outputs) < 2 * MOST:
                self.outputs.append(output)

    def _data(self, content):
        data = {str(kind): value for kind, value in dict(content["data"]).items()}
        size = sum(len(str(value)) for value in data.values())
        if self._shown + size > self.limits.display:
            self.was_cut = True
            note = f"[cut: a cell may show {self.limits.display} bytes]"
            return {"text/plain": str(data.get("text/plain", ""))[:1000] or note}
        self._shown += size
        return data

    def _update(self, content):
        display = str((content.get("transient") or {}).get("display_id"))
        for output in self.outputs:
            if output.get("display_id") == display:
                output["data"] = self._data(content)

# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy that can hold back single requests, or all bytes of single connections, and let them through later.

What is held stays on its own connection to the server, which lives on when the client gives up and connects again: the late bytes
of a network. A client sees nothing but silence. With frames=True the bytes are read as Kafka requests and answers."""
import asyncio
import struct
import threading
import time
from collections import namedtuple

PRODUCE, INIT_PRODUCER, ADD_PARTITIONS, ADD_OFFSETS, END_TXN, TXN_OFFSET_COMMIT = 0, 22, 24, 25, 26, 28
FETCH, FIND_COORDINATOR, HEARTBEAT = 1, 10, 12
NAMES = {PRODUCE: "Produce", INIT_PRODUCER: "InitProducerId", ADD_PARTITIONS: "AddPartitionsToTxn", ADD_OFFSETS: "AddOffsetsToTxn",
         END_TXN: "EndTxn", TXN_OFFSET_COMMIT: "TxnOffsetCommit", FETCH: "Fetch", FIND_COORDINATOR: "FindCoordinator",
         HEARTBEAT: "Heartbeat"}
ERRORS = {None: "no answer", 0: "accepted", 22: "ILLEGAL_GENERATION", 47: "INVALID_PRODUCER_EPOCH", 48: "INVALID_TXN_STATE",
          49: "INVALID_PRODUCER_ID_MAPPING", 90: "PRODUCER_FENCED"}
FENCED = (47, 90)

Answer = namedtuple("Answer", "api error at link")


# From this version on a message is "flexible": short lengths, and a byte of tags behind the header and every structure.
FLEXIBLE = {PRODUCE: 9, INIT_PRODUCER: 2, ADD_PARTITIONS: 3, ADD_OFFSETS: 3, END_TXN: 3, TXN_OFFSET_COMMIT: 3}
LISTS_ERRORS = (PRODUCE, ADD_PARTITIONS, TXN_OFFSET_COMMIT)  # by topic and partition; the others have one


class Reader:
    """Steps through a message."""

    def __init__(self, frame, flexible):
        self.frame, self.flexible, self.at = frame, flexible, 0

    def skip(self, size):
        self.at += size
        return self

    def length(self, fixed):
        """Of a text (fixed: ">h") or a list (fixed: ">i")."""
        if not self.flexible:
            self.at += struct.calcsize(fixed)
            return struct.unpack_from(fixed, self.frame, self.at - struct.calcsize(fixed))[0]
        value = shift = 0
        while True:
            byte = self.frame[self.at]
            value, shift, self.at = value | (byte & 127) << shift, shift + 7, self.at + 1
            if byte < 128:
                return value - 1

    def text(self):
        size = max(0, self.length(">h"))
        self.at += size
        return self.frame[self.at - size:self.at].decode()


def api_of(frame):
    return struct.unpack_from(">h", frame)[0]


def open_request(frame):
    """A reader behind the header of a request."""
    api, version = struct.unpack_from(">hh", frame)
    flexible = version >= FLEXIBLE[api]
    reader = Reader(frame, False).skip(8)
    reader.text()  # client id
    reader.flexible = flexible
    return reader.skip(1 if flexible else 0)


def is_commit(frame):
    """Of an EndTxn request: transactional id, producer, epoch, flag."""
    reader = open_request(frame)
    reader.text()
    return bool(frame[reader.at + 8 + 2])


def group_of(frame):
    """Of an AddOffsetsToTxn request: transactional id, producer, epoch, group; of TxnOffsetCommit: transactional id, group."""
    reader = open_request(frame)
    reader.text()
    return (reader.skip(8 + 2) if api_of(frame) == ADD_OFFSETS else reader).text()


def error_at(api, version, frame):
    """Where the first error code of an answer stands; None: there is none."""
    if api not in FLEXIBLE:
        return None
    flexible = version >= FLEXIBLE[api]
    reader = Reader(frame, flexible).skip(5 if flexible else 4).skip(4 if api != PRODUCE else 0)
    if api in LISTS_ERRORS:
        if reader.length(">i") <= 0:
            return None
        reader.text()
        if reader.length(">i") <= 0:
            return None
        reader.skip(4)
    return reader.at


class Hold:
    """Catches the next matching request and keeps it until released, and with it (alone: without) what comes after it on its
    connection. Alone is for what would go to different brokers of a larger cluster."""

    def __init__(self, proxy, api, where, alone):
        self.proxy, self.api, self.where, self.alone = proxy, api, where, alone
        self.caught, self.done = threading.Event(), threading.Event()
        self.link = self.error = self.caught_at = None
        self.opened = asyncio.Event()

    def wait(self, timeout=20):
        assert self.caught.wait(timeout), f"no {NAMES.get(self.api, self.api)} to hold within {timeout} s"
        return self

    def release(self, timeout=5):
        """Lets it through; the error code of the answer, None when none came in time."""
        self.proxy.call(self.opened.set)
        self.done.wait(timeout)
        return self.error


class Link:
    """One client connection and its own connection to the server."""

    def __init__(self, proxy, number):
        self.proxy, self.number = proxy, number
        self.seen, self.asked = set(), {}  # api keys; correlation id -> (api key, version, hold)
        self.thawed = asyncio.Event()  # not set: frozen
        if not proxy.severed:
            self.thawed.set()
        self.client_there = True

    async def read_piece(self, reader):
        """Bytes to pass on; a frame without its length when frames are told apart."""
        if not self.proxy.frames:
            return await reader.read(65536)
        try:
            (size,) = struct.unpack(">i", await reader.readexactly(4))
            return await reader.readexactly(size)
        except asyncio.IncompleteReadError:
            return b""

    def write_piece(self, writer, piece):
        writer.write(struct.pack(">i", len(piece)) + piece if self.proxy.frames else piece)

    async def requests(self, reader, writer):
        while piece := await self.read_piece(reader):
            hold = None
            if self.proxy.frames:
                api, version, correlation = struct.unpack_from(">hhi", piece)
                hold = self.proxy.catch(self, api, piece)
                self.seen.add(api)
                self.asked[correlation] = api, version, hold
                if hold and hold.alone:
                    self.proxy.keep(self.write_later(hold, writer, piece))
                    continue
                if hold:
                    await hold.opened.wait()
            await self.thawed.wait()
            self.write_piece(writer, piece)
            await writer.drain()
        self.client_there = False
        # What was held must still reach the server, and be answered.
        if not any(hold for _, _, hold in self.asked.values()):
            writer.close()

    async def write_later(self, hold, writer, piece):
        await hold.opened.wait()
        self.write_piece(writer, piece)

    async def answers(self, reader, writer):
        while piece := await self.read_piece(reader):
            if self.proxy.frames:
                piece = self.note_answer(piece)
            await self.thawed.wait()
            if self.client_there:
                self.write_piece(writer, piece)
                await writer.drain()
        writer.close()

    def note_answer(self, piece):
        (correlation,) = struct.unpack_from(">i", piece)
        api, version, hold = self.asked.pop(correlation, (None, 0, None))
        at = error_at(api, version, piece)
        if at is None:
            return piece
        forged = self.proxy.forged.pop(api, None)
        if forged is not None:
            piece = piece[:at] + struct.pack(">h", forged) + piece[at + 2:]
        (error,) = struct.unpack_from(">h", piece, at)
        self.proxy.answers.append(Answer(api, error, time.monotonic(), self.number))
        if hold:
            hold.error = error
            hold.done.set()
        return piece


class Proxy:
    """Listens on 127.0.0.1:port (0: any free one) for a server on 127.0.0.1:server_port. Runs on a thread of its own."""

    def __init__(self, server_port, port=0, frames=True):
        self.server_port, self.port, self.frames = server_port, port, frames
        self.holds, self.caught, self.answers, self.links, self.forged = [], [], [], [], {}
        self.tasks, self.severed = set(), False
        self.loop, started = asyncio.new_event_loop(), threading.Event()
        self.thread = threading.Thread(target=self.run, args=(started,), daemon=True)
        self.thread.start()
        assert started.wait(10)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def run(self, started):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self.on_client, "127.0.0.1", self.port))
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self.loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.loop.close()

    def close(self):
        self.call(self.loop.stop)
        self.thread.join(5)

    def call(self, function, *arguments):
        self.loop.call_soon_threadsafe(function, *arguments)

    def keep(self, work):
        """Runs it. The loop itself remembers its tasks weakly, and one that waits for silence would be collected."""
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def on_client(self, client_reader, client_writer):
        self.keep(asyncio.current_task())
        link = Link(self, len(self.links))
        self.links.append(link)
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.server_port)
        except OSError:
            client_writer.close()
            return
        back = self.keep(self.quietly(link.answers(server_reader, client_writer), client_writer))
        await self.quietly(link.requests(client_reader, server_writer), None)
        await back
        server_writer.close()

    @staticmethod
    async def quietly(work, writer):
        """A connection that breaks ends its link and nothing else."""
        try:
            await work
        except OSError:
            pass
        finally:
            if writer:
                writer.close()

    # ---- for the test's thread ----

    def catch(self, link, api, frame):
        for hold in self.holds:
            if hold.api == api and (not hold.where or hold.where(frame)):
                self.holds.remove(hold)
                hold.link, hold.caught_at = link.number, time.monotonic()
                self.caught.append(hold)
                hold.caught.set()
                return hold
        return None

    def hold(self, api, where=None, alone=False):
        """The next request of this kind (where(frame): that one) will be kept back."""
        hold = Hold(self, api, where, alone)
        self.call(self.holds.append, hold)
        return hold

    def reset(self):
        """Nothing is held or frozen any more, and no answer is remembered."""
        def reset():
            self.holds.clear()
            self.forged.clear()
            self.answers.clear()
            for hold in self.caught:
                hold.opened.set()
            self.caught.clear()
        self.call(reset)
        self.mend()

    def forge(self, api, error):
        """The next answer of this kind will carry this error in place of its first one."""
        self.call(self.forged.__setitem__, api, error)

    def wait_answer(self, api, since, count=1, timeout=20, error=0):
        """Until count requests of this kind were answered with error since that moment (time.monotonic()); when that was."""
        end = time.monotonic() + timeout
        while True:
            found = [answer.at for answer in list(self.answers) if answer.api == api and answer.at >= since and answer.error == error]
            if len(found) >= count:
                return found[count - 1]
            assert time.monotonic() < end, f"no {count} {NAMES[api]} answered with {error} within {timeout} s"
            time.sleep(0.005)

    def freeze(self, api=None):
        """No byte passes any more on connections that have carried this kind of request (None: any); returns them."""
        frozen = [link for link in self.links if link.client_there and (api is None or api in link.seen)]
        for link in frozen:
            self.call(link.thawed.clear)
        return frozen

    def thaw(self, links):
        for link in links:
            self.call(link.thawed.set)

    def sever(self):
        """The server cannot be reached any more: no byte passes on old connections or new ones, and nobody is told."""
        self.severed = True
        self.freeze()

    def mend(self):
        self.severed = False
        self.thaw(self.links)

# SPDX-License-Identifier: Apache-2.0
"""What a broker leaves behind that forgets to end a transaction: its log without the last transaction markers. Kafka does so when all
replicas of a partition come back from a crash after the coordinator took the transaction for ended."""
import pathlib
import struct

# Header of a record batch (message format v2), up to the record count.
HEADER = struct.Struct(">qiibIhiqqqhii")
CONTROL = 1 << 5
TOGETHER_MS = 300  # markers of one transaction are written within


def last_batch(path):
    """(position, header) of the last whole batch of a segment."""
    data, at, last = path.read_bytes(), 0, None
    while at + HEADER.size <= len(data):
        header = HEADER.unpack_from(data, at)
        end = at + 12 + header[1]
        if header[3] != 2 or end > len(data):
            break
        last, at = (at, header), end
    return last


def last_markers(data, wanted):
    """{segment: (position, time)} of the partitions whose log ends with a transaction marker."""
    markers = {}
    for folder in pathlib.Path(data).iterdir():
        segments = sorted(folder.glob("*.log")) if folder.is_dir() and wanted(folder.name.rsplit("-", 1)[0]) else []
        found = last_batch(segments[-1]) if segments else None
        if found and found[1][5] & CONTROL:
            markers[segments[-1]] = found[0], found[1][8]
    return markers


def leave_out(data, wanted, choose):
    """Of the broker that is down: cuts the markers of the last transaction off the partitions that choose(list) returns."""
    markers = last_markers(data, wanted)
    newest = max(time for _, time in markers.values())
    latest = sorted(path for path, (_, time) in markers.items() if time > newest - TOGETHER_MS)
    chosen = choose(latest)
    for path in chosen:
        with path.open("r+b") as segment:
            segment.truncate(markers[path][0])
    return [path.parent.name for path in chosen]

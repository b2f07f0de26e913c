"""6. An answer is given again: as it was written where that is the client's own form, else from its deltas.

Streamed or whole, in any dialect; the provider's own bytes are given on where the client would have been given them.
"""

from tenbin.codecs.dialect import Dialect
from tenbin.core.ask import Ask
from tenbin.execute.cache.entry import Entry, unpacked

STREAM = b"text/event-stream; charset=utf-8"
WHOLE = b"application/json"


def rendered(entry: Entry, ask: Ask, codec: Dialect) -> tuple[bytes, bytes]:
    """The content type and the whole body for this client. Raises Unusable."""
    head = ask.head
    own = entry.raw and entry.dialect == ask.dialect and entry.streamed == head.stream
    if own and (not head.stream or head.stream_usage):
        return (STREAM if head.stream else WHOLE), entry.raw
    writer = codec.writer(streamed=head.stream, request_id=ask.request_id, head=head)
    body = writer.write(unpacked(entry.deltas))
    return writer.content_type.encode(), body + writer.close()

"""A server that speaks Chat Completions: each answer has so many tokens, at so many a second, one event each."""

import asyncio
import json
import sys

TOKENS, RATE = int(sys.argv[1]), float(sys.argv[2])


def event(delta, reason=None, usage=None):
    choices = [] if usage else [{"index": 0, "delta": delta, "finish_reason": reason}]
    data = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, "usage": usage}
    return chunk(f"data: {json.dumps(data)}\n\n")


def chunk(text):
    bytes_ = text.encode()
    return f"{len(bytes_):x}\r\n".encode() + bytes_ + b"\r\n"


TOKEN = event({"content": "word "})
END = event({}, "stop") + event({}, usage={"prompt_tokens": 9, "completion_tokens": TOKENS, "total_tokens": TOKENS + 9})
END += chunk("data: [DONE]\n\n") + b"0\r\n\r\n"


async def answer(reader, writer):
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        await reader.readexactly(length)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        clock = asyncio.get_running_loop().time
        start = clock()
        for at in range(TOKENS):
            await asyncio.sleep(start + (at + 1) / RATE - clock())
            writer.write(TOKEN)
            await writer.drain()
        writer.write(END)
        await writer.drain()


async def connected(reader, writer):
    try:
        await answer(reader, writer)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main():
    server = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())

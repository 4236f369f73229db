"""A CONNECT proxy on loopback that sends every host to one port.

Clients that insist on ``https://login.salesforce.com`` reach the local server through it
unchanged, by the usual environment variables.
"""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress


@contextmanager
def connect_proxy(port):
    """Run the proxy; gives its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=_accept, args=(listener, port), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        # Closing alone does not wake a thread that waits in accept.
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _accept(listener, port):
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(client, port), daemon=True).start()


def _serve(client, port):
    with client, suppress(OSError):
        asked = b""
        while b"\r\n\r\n" not in asked:
            piece = client.recv(4096)
            if not piece:
                return
            asked += piece
        if not asked.startswith(b"CONNECT "):
            client.sendall(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", port)) as server:
            for one in (client, server):
                # Otherwise small pieces wait for each other's acknowledgement, 40 ms each time.
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            back.join()


def _pump(source, sink):
    with suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)

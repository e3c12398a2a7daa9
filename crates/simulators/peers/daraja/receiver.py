"""A merchant's server for the Python peers: keeps what it receives and lets a script wait for it."""

import http.server
import json
import threading


class Receiver:
    def __init__(self):
        self.received = []
        self.arrived = threading.Condition()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with receiver.arrived:
                    receiver.received.append((self.path, body.decode()))
                    receiver.arrived.notify_all()
                answer = json.dumps({"ResultCode": 0, "ResultDesc": "Accepted"}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def wait_for(self, path):
        """The text of the first body that arrives at `path`; fails after 20 s."""
        def find():
            return next((text for where, text in self.received if where == path), None)

        with self.arrived:
            if not self.arrived.wait_for(lambda: find() is not None, timeout=20):
                raise SystemExit(f"nothing arrived at {path}")
            return find()

# results/replies.txt: same
# results/latency.csv: elapsed time
# results/access.log: clock
# results/session.json: addresses, clock, randomness
# results/server.txt: same
import http.server, json, os, threading, time, urllib.request, uuid

os.makedirs("results")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"answer to {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, form, *args):
        with open("results/access.log", "a") as log:
            log.write(f"[{time.strftime('%d/%b/%Y:%H:%M:%S')}.{time.time_ns() % 10**9:09}] {form % args}\n")


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
replies, rows = [], []
for n in range(4):
    begin = time.perf_counter()
    replies.append(urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/{n}").read().decode())
    rows.append((n, time.perf_counter() - begin))
server.shutdown()
open("results/replies.txt", "w").write("\n".join(replies))
open("results/latency.csv", "w").write("request,seconds\n" + "".join(f"{n},{s:.6f}\n" for n, s in rows))
json.dump({"id": str(uuid.uuid4()), "object": repr(server), "opened": time.time()}, open("results/session.json", "w"))
open("results/server.txt", "w").write(f"{server.server_address[0]} {Handler.protocol_version}")

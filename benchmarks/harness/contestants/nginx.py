"""nginx as a bare reverse proxy: it looks at no body, so it is the floor that no gateway can go below."""

import re
import shutil
import subprocess

from benchmarks.harness.contestants.base import PROVIDER_MODELS, Contestant, Launch, Place, ticked
from benchmarks.harness.points import CHAT, MESSAGES, Load, Route

_CONFIGURATION = """
daemon off;
worker_processes 1;
pid {work}/nginx.pid;
error_log {work}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path {work}/body;
  proxy_temp_path {work}/proxy;
  fastcgi_temp_path {work}/fastcgi;
  uwsgi_temp_path {work}/uwsgi;
  scgi_temp_path {work}/scgi;
  client_body_buffer_size 256k;
  tcp_nodelay on;
  upstream provider {{
    server 127.0.0.1:{mock_port};
    keepalive 128;
    keepalive_requests 100000000;
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""


class Nginx(Contestant):
    """The pass-through floor, as C can do it."""

    name = "nginx"
    title = "nginx, bare pass-through"
    note = "`proxy_pass` with kept-alive upstream connections, one worker, no log; it reads no body and books nothing."
    routes = (CHAT, MESSAGES)

    def missing(self) -> str | None:
        """nginx comes from Debian."""
        return None if shutil.which("nginx") else "nginx is not installed: apt-get install -y nginx-light"

    def version(self) -> str:
        """As `nginx -v` says."""
        said = subprocess.run(["nginx", "-v"], capture_output=True, text=True).stderr
        found = re.search(r"nginx/(\S+)", said)
        return found[1] if found else said.strip()

    def prepare(self, place: Place) -> Launch:
        """One server block, its files under the work directory."""
        configuration = place.work / "nginx.conf"
        configuration.write_text(_CONFIGURATION.format(work=place.work, port=place.port, mock_port=place.mock_port))
        command = ["nginx", "-p", str(place.work), "-e", str(place.work / "error.log"), "-c", str(configuration)]
        return Launch(command, "/", lambda _: place.port)

    def model(self, load: Load, route: Route) -> str:
        """Straight the provider's name: nginx changes nothing."""
        return ticked(PROVIDER_MODELS[route.provider], load)

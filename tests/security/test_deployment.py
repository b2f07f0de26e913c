"""What deploy/ promises: image, composition and manifest are closed as they say, and their configuration is good."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.backoff
import redis.retry
import yaml

from tenbin.config.load import parse
from tests.real.redis_server import VALKEY
from tests.security.loading import tool

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SECRETS = {
    "TENBIN_MASTER_KEY": "m" * 32,
    "ANTHROPIC_API_KEY": "k" * 32,
    "POSTGRES_PASSWORD": "p" * 32,
    "VALKEY_PASSWORD": "v" * 32,
}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


@pytest.fixture(scope="module")
def objects() -> dict[str, Any]:
    """Kubernetes' objects by kind."""
    loaded = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8")))
    return {one["kind"]: one for one in loaded}


# -- the composition


def test_only_the_gateway_is_published_and_only_to_this_machine(compose: dict[str, Any]) -> None:
    published = {name: row.get("ports", []) for name, row in compose["services"].items()}
    assert published == {"gateway": ["127.0.0.1:4000:4000"], "postgres": [], "valkey": []}
    assert compose["networks"]["back"]["internal"] is True
    assert [name for name, row in compose["services"].items() if "front" in row["networks"]] == ["gateway"]


def test_every_service_is_closed(compose: dict[str, Any]) -> None:
    for name, row in compose["services"].items():
        assert row["read_only"] is True, name
        assert row["cap_drop"] == ["ALL"], name
        assert "cap_add" not in row, name
        assert "privileged" not in row, name
        assert row["security_opt"] == ["no-new-privileges:true"], name
        assert row["user"] not in ("root", "0", "0:0"), name
        assert {"pids_limit", "mem_limit"} <= row.keys(), name
        assert not {"network_mode", "pid", "ipc", "userns_mode", "devices"} & row.keys(), name
        assert not [volume for volume in row["volumes"] if "docker.sock" in volume or volume.startswith("/")], name
        if "image" in row:
            assert re.search(r":[\w.-]*\d", row["image"]), f"{name}: an image without a version"
            assert not row["image"].endswith(":latest"), name


def test_no_secret_has_a_default_and_none_is_in_a_file(compose: dict[str, Any]) -> None:
    for name, row in compose["services"].items():
        for variable, value in row.get("environment", {}).items():
            if re.search(r"PASSWORD|KEY|SECRET|TOKEN", variable):
                assert re.fullmatch(rf"\$\{{{variable}:\?[^}}]+\}}", value), f"{name}: {variable} could be empty"
    for path in DEPLOY.iterdir():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(?i)(password|key|secret)\s*[:=]\s*['\"]?[\w-]{16,}['\"]?\s*$", text, re.MULTILINE), path


def test_valkey_starts_with_that_configuration_keeps_everything_and_wants_the_password(
    compose: dict[str, Any], tmp_path: Path
) -> None:
    """The very script, run by a shell with a real server; but for the port and the folder."""
    shell, option, script = compose["services"]["valkey"]["entrypoint"]
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "valkey-server").symlink_to(VALKEY)
    script = script.replace("$$", "$").replace("port 6379", f"port {port}").replace("dir /data", f"dir {tmp_path}")
    script = script.replace("bind * -::*", "bind 127.0.0.1")
    environ = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "VALKEY_PASSWORD": SECRETS["VALKEY_PASSWORD"]}
    server = subprocess.Popen([shell, option, script], env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        retry = redis.retry.Retry(redis.backoff.ConstantBackoff(0.05), 200)
        with redis.Redis(port=port, password=SECRETS["VALKEY_PASSWORD"], retry=retry, decode_responses=True) as client:
            assert client.ping()
            for name, value in (("appendonly", "yes"), ("maxmemory-policy", "noeviction"), ("protected-mode", "yes")):
                assert client.config_get(name) == {name: value}
        with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.get("x")
        assert SECRETS["VALKEY_PASSWORD"] not in Path(f"/proc/{server.pid}/cmdline").read_text(encoding="utf-8")
    finally:
        server.terminate()
        server.communicate(timeout=30)


def test_its_configuration_is_in_order() -> None:
    config = parse((DEPLOY / "tenbin.yaml").read_text(encoding="utf-8"), "deploy/tenbin.yaml", SECRETS)
    assert config.master_key == SECRETS["TENBIN_MASTER_KEY"]
    assert config.spending.when_unreachable == "refuse"
    assert not config.content.store


# -- the manifest


def test_the_pod_is_restricted(objects: dict[str, Any]) -> None:
    assert objects["Namespace"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    pod = objects["StatefulSet"]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] >= 10_000
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    assert not [volume for volume in pod["volumes"] if "hostPath" in volume]
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"livenessProbe", "readinessProbe", "resources"} <= container.keys()
        assert not [one for one in container["env"] if "value" in one], "secrets come from a Secret"
        assert not container["image"].endswith(":latest")
        assert {"hostPort"} & {key for port in container["ports"] for key in port} == set()


def test_who_may_connect_to_whom(objects: dict[str, Any]) -> None:
    assert objects["Service"]["spec"]["type"] == "ClusterIP"
    policy = objects["NetworkPolicy"]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["podSelector"] == objects["StatefulSet"]["spec"]["selector"]
    blocks = [to["ipBlock"] for rule in policy["egress"] for to in rule["to"] if "ipBlock" in to]
    assert blocks
    assert all("169.254.0.0/16" in block["except"] for block in blocks)
    assert all("podSelector" in one for rule in policy["ingress"] for one in rule["from"])


def test_the_manifests_configuration_is_in_order(objects: dict[str, Any]) -> None:
    config = parse(objects["ConfigMap"]["data"]["tenbin.yaml"], "kubernetes.yaml", SECRETS)
    pod = objects["StatefulSet"]["spec"]["template"]["spec"]
    assert {one["name"] for one in pod["containers"][0]["env"]} >= {"TENBIN_MASTER_KEY", "ANTHROPIC_API_KEY"}
    assert config.master_key is not None
    assert config.listen.endswith(f":{pod['containers'][0]['ports'][0]['containerPort']}")


# -- the image


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(line.split()[0], line.partition(" ")[2]) for line in lines if line.strip()]


def test_the_image_installs_by_hash_and_runs_without_root() -> None:
    steps = instructions()
    users = [value for name, value in steps if name == "USER"]
    assert users == ["10001:10001"]
    assert [name for name, _ in steps].index("USER") < [name for name, _ in steps].index("ENTRYPOINT")
    installs = [value for name, value in steps if name == "RUN" and "pip install" in value]
    assert installs
    for value in installs:
        assert "--require-hashes --only-binary :all:" in value or "--no-deps --no-build-isolation ." in value
    assert not [value for name, value in steps if name == "ADD" or re.search(r"\b(curl|wget|apt-get|sudo)\b", value)]
    assert not [value for name, value in steps if name in ("ENV", "ARG") and re.search(r"KEY|PASSWORD|TOKEN", value)]


def test_what_the_image_is_built_from_is_there_and_let_in() -> None:
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for name, value in instructions():
        if name == "COPY" and "--from" not in value:
            for source in value.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert source in let_in, source


def test_the_packages_that_it_adds_are_whole() -> None:
    """All that these need is among them or in requirements.lock: pip would refuse what has no hash."""
    packages = tool("packages.py")
    (names,) = (
        match[1].split() for _, value in instructions() if (match := re.search(r"packages\.py ([\w -]+) >", value))
    )
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "packages.py"), *names], capture_output=True, text=True, check=True
    )
    printed = set(re.findall(r"^([a-z0-9-]+)==", done.stdout, re.MULTILINE))
    assert printed == set(names)
    known = printed | {one.name for one in packages.locked(ROOT / "requirements.lock")}
    here = packages.installed()
    needed = {
        packages.normal(re.split(r"[^\w.-]", need)[0])
        for name in names
        for need in here[name].requires or []
        if "extra ==" not in need and "python_" not in need.partition(";")[2]
    }
    assert needed <= known


def test_the_health_check_is_a_program_that_runs() -> None:
    (check,) = (value for name, value in instructions() if name == "HEALTHCHECK")
    program = json.loads(check[check.index("[") :])[2]
    compile(program, "HEALTHCHECK", "exec")
    assert "/health/readiness" in program

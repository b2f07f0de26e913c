"""The admin API's document: it says what is routed, no more and no less, and the running gateway keeps to it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx2
import jsonschema

from tenbin.api.admin.document import document, encoded
from tenbin.api.admin.operations import DOCUMENT, OPERATIONS, PREFIX
from tests.api.admin.conftest import MASTER, Admin
from tests.documents import ROOT
from tests.real.books import House

METHODS = ("get", "post", "patch", "put", "delete", "head", "options", "trace")


def test_the_document_in_the_documentation_is_the_one_that_is_served() -> None:
    found = (ROOT / "docs" / "openapi.json").read_bytes()
    assert found == encoded(), "run: .venv/bin/python -m tests.documents"


def test_what_is_documented_is_what_is_routed(house: House) -> None:
    """Every method on every path, as a client sees it: it is there if, and only if, the document has it."""
    paths = document()["paths"]
    assert len({one.name for one in OPERATIONS}) == len(OPERATIONS)
    admin = Admin(house.url)
    for path, methods in paths.items():
        for method in METHODS:
            url = re.sub(r"\{\w+\}", "nobody", path)
            response = admin.http.request(method, url)
            there = method in methods or (method == "head" and "get" in methods)
            assert (response.status_code != 405) is there, (method, path, response.text)
            if not there:
                allowed = {word.strip().lower() for word in response.headers["allow"].split(",")}
                assert allowed - {"head"} == set(methods)
    for path in (PREFIX, f"{PREFIX}/", f"{PREFIX}/nothing", f"{DOCUMENT}/x", "/admin/v2/keys"):
        assert admin.http.get(path).status_code == 404
    served = admin.http.get(DOCUMENT)
    assert served.content == encoded()
    assert served.headers["cache-control"] == "no-store"


def test_every_schema_is_one_and_every_reference_leads_somewhere() -> None:
    told = document()
    for schema in told["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for reference in re.findall(rb'"\$ref": "#/components/(\w+)/(\w+)"', encoded()):
        kind, name = (part.decode() for part in reference)
        assert name in told["components"][kind]


def test_the_gateway_keeps_to_its_document(house: House, tmp_path: Path) -> None:
    """Some thousand requests made of the document, fitting and not: nothing fails inside, everything is answered as
    documented, what fits is taken, what does not is refused, nobody gets in without a key.
    """
    arguments = [
        *("run", f"{house.url}{DOCUMENT}", "--url", house.url, "--header", f"Authorization: Bearer {MASTER}"),
        *("--checks", "all", "--max-examples", "15", "--seed", "6", "--no-color", "--request-timeout", "20"),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", *arguments],
        cwd=tmp_path,
        env=os.environ | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    selected = f"{len(OPERATIONS)} selected / {len(OPERATIONS)} total"  # all but the document itself
    assert selected in done.stdout, done.stdout[-5_000:]
    with httpx2.Client(base_url=house.url, trust_env=False) as http:
        assert http.get("/health/readiness").status_code == 200

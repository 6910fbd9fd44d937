"""The REST API: routes, complete events, binary bodies, errors, preflights, HTTP."""

from __future__ import annotations

import base64
import http.client
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from infra.local.gateway.messages import Request, Response
from infra.local.gateway.routes import Routes
from infra.local.stack import Stack


def test_the_event_is_complete(stack: Stack) -> None:
    event = stack.request(
        "GET",
        "/open/echo?a=1&a=2&b=%C3%A9",
        headers=[("X-One", "1"), ("X-Two", "a"), ("X-Two", "b"), ("User-Agent", "t")],
    ).json()
    assert event["resource"] == "/open/{id}"
    assert event["path"] == "/open/echo"
    assert event["httpMethod"] == "GET"
    assert event["headers"]["X-Two"] == "b"
    assert event["multiValueHeaders"]["X-Two"] == ["a", "b"]
    assert event["queryStringParameters"] == {"a": "2", "b": "é"}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": ["é"]}
    assert event["pathParameters"] == {"id": "echo"}
    assert event["stageVariables"] is None
    assert event["body"] is None
    assert event["isBase64Encoded"] is False
    context = event["requestContext"]
    assert context["stage"] == "dev"
    assert context["path"] == "/dev/open/echo"
    assert context["resourcePath"] == "/open/{id}"
    assert context["identity"]["userAgent"] == "t"
    assert context["requestId"]
    assert "authorizer" not in context


def test_path_parameters_are_decoded(stack: Stack) -> None:
    assert stack.request("GET", "/open/a%2Fb%20c").json() == {"id": "a/b c"}


def test_a_raw_body_arrives_byte_for_byte(stack: Stack) -> None:
    event = stack.request("POST", "/open/echo", '{"a" : 1}\n').json()
    assert event["body"] == '{"a" : 1}\n'


def test_binary_in_and_out(stack: Stack) -> None:
    raw = bytes(range(256))
    kind = {"Content-Type": "application/pdf"}
    assert stack.request("PUT", "/files/a/b.pdf", raw, kind).status == 204
    accept = {"Accept": "application/pdf, */*"}
    answer = stack.request("GET", "/files/a/b.pdf", headers=accept)
    assert answer.body == raw
    assert [v for k, v in answer.headers if k == "Set-Cookie"] == ["a=1", "b=2"]
    unasked = stack.request("GET", "/files/a/b.pdf")  # as on AWS: Accept decides
    assert unasked.body == base64.b64encode(raw)


def test_unknown_route_and_method(stack: Stack) -> None:
    for method, path in [("GET", "/nowhere"), ("DELETE", "/orders"), ("GET", "/files/")]:
        answer = stack.request(method, path)
        assert answer.status == 404
        assert answer.header("content-type") == "application/problem+json"
        assert answer.json() == {"type": "not-found", "status": 404}


@pytest.mark.parametrize("what", ["boom", "bad-answer"])
def test_a_broken_function_is_a_502(stack: Stack, what: str) -> None:
    answer = stack.request("GET", f"/open/{what}")
    assert answer.status == 502
    assert answer.json()["type"] == "server-error"
    assert len(answer.json()["id"]) == 36


def test_too_large_a_body_is_refused(stack: Stack) -> None:
    before = stack.counts["invoke", "Shop"]
    answer = stack.request("POST", "/open/echo", b"x" * (10 * 1024 * 1024 + 1))
    assert answer.status == 413
    assert answer.json() == {"type": "client-error", "detail": "Request Too Long"}
    assert stack.counts["invoke", "Shop"] == before


def test_preflight(stack: Stack) -> None:
    answer = stack.request("OPTIONS", "/orders")
    assert answer.status == 200
    assert answer.header("access-control-allow-origin") == "https://shop.example"
    assert answer.header("Access-Control-Allow-Methods") == "GET,POST,OPTIONS"
    assert answer.header("Access-Control-Max-Age") == "600"


def test_context_object(stack: Stack) -> None:
    remaining, name = stack.request("GET", "/open/remaining").json()
    assert 9000 < remaining <= 10_000
    assert name == "local-Shop"


def _routes(*paths: str) -> Routes:
    uri = "x/functions/arn/invocations"
    integration = {"x-amazon-apigateway-integration": {"type": "aws_proxy", "uri": uri}}
    return Routes({"paths": {path: {"get": integration} for path in paths}})


@pytest.mark.parametrize(
    ("path", "resource", "parameters"),
    [
        ("/a", "/a", {}),
        ("/a/", "/a", {}),
        ("/a/b", "/a/b", {}),
        ("/a/c", "/a/{x}", {"x": "c"}),
        ("/a/c/d", "/a/{rest+}", {"rest": "c/d"}),
        ("/a/c/edit", "/a/{x}/edit", {"x": "c"}),
        ("/a/a%2Bb", "/a/{x}", {"x": "a+b"}),
    ],
)
def test_route_precedence(path: str, resource: str, parameters: dict[str, str]) -> None:
    routes = _routes("/a", "/a/{rest+}", "/a/{x}", "/a/b", "/a/{x}/edit")
    found = routes.find("GET", path)
    assert found is not None
    assert (found[0].resource, found[1]) == (resource, parameters)


@pytest.mark.parametrize("path", ["/", "/b", "/a/b/c"])
def test_no_route(path: str) -> None:
    assert _routes("/a", "/a/{x}").find("GET", path) is None


@pytest.fixture(scope="module")
def url(stack: Stack) -> Iterator[str]:
    yield stack.url or stack.serve(port=0)


def test_http_keep_alive_is_fast(url: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    started = time.monotonic()
    for _ in range(50):
        connection.request("POST", "/open/echo", body=b'{"a":1}')
        answer = connection.getresponse()
        assert answer.status == 200
        answer.read()
    assert time.monotonic() - started < 1.0  # a Nagle stall alone would cost 40 ms each
    connection.close()


def test_http_chunked_head_and_threads(url: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    parts = iter([b"one", b"two"])
    connection.request(
        "POST",
        "/open/echo",
        body=parts,
        encode_chunked=True,
        headers={"Transfer-Encoding": "chunked"},
    )
    assert b'"body": "onetwo"' in connection.getresponse().read()
    connection.request("HEAD", "/nowhere")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (404, b"")
    connection.close()

    def get(number: int) -> bytes:
        with urllib.request.urlopen(f"{url}/open/{number}") as reply:
            return bytes(reply.read())

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(get, range(100)))
    assert answers == [f'{{"id": "{n}"}}'.encode() for n in range(100)]


def test_loopback_only(stack: Stack) -> None:
    with pytest.raises(ValueError, match="loopback"):
        stack.serve("0.0.0.0", 0)


def test_handlers_reach_loopback(stack: Stack, url: str) -> None:
    answer = stack.request("GET", "/open/loopback", query={"url": f"{url}/open/inner"})
    assert answer.json() == '{"id": "inner"}'


def test_static_site(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("web")
    (root / "index.html").write_text("<h1>hello</h1>")
    (root.parent / "secret.txt").write_text("no")

    def mails(request: Request) -> Response:
        return Response.of_json([request.method, len(stack.mails()) >= 0])

    address = stack.serve_static(0, root, {"GET /local/mails": mails})

    def get(path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(urlsplit(address).netloc)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()

    assert get("/") == (200, b"<h1>hello</h1>")
    assert get("/local/mails") == (200, b'["GET", true]')
    assert get("/../secret.txt")[0] == 404
    assert get("/%2e%2e/secret.txt")[0] == 404

"""The application that tests/http runs under WSGI servers: takes the body, says what it saw."""


def application(environ, start_response):
    environ["wsgi.input"].read()
    seen = f"{environ.get('HTTP_HOST', '')} {environ.get('RAW_URI', environ['PATH_INFO'])}"
    start_response("200 OK", [("Content-Length", "0"), ("X-Seen", seen)])
    return []

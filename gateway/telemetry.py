"""Metrics, spans and log lines. Labels and attributes are words of ours, never what came in."""

import json
import logging
import os
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from inspect import currentframe
from pathlib import Path
from socket import gaierror
from ssl import SSLError
from typing import TextIO

import structlog
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class Metrics:
    """The gateway's own metrics, in a registry of its own: two gateways fit in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "sallyport_http_seconds",
            "Time to serve a request, by route and status.",
            ("route", "status"),
            registry=self.registry,
            buckets=_BUCKETS,
        )
        self.turned_away = Counter(
            "sallyport_connections_turned_away_total",
            "Connections that ended before a request was served, by the problem's code and whether "
            "the client was told it or hung up on.",
            ("code", "how"),
            registry=self.registry,
        )
        self.asked = Counter(
            "sallyport_asked_total",
            "Questions to agencies, by what became of them.",
            ("status",),
            registry=self.registry,
        )
        self.answers = Counter(
            "sallyport_answers_total",
            "Questions from agencies, by what they were told.",
            ("status",),
            registry=self.registry,
        )
        self.rejected = Counter(
            "sallyport_peer_messages_rejected_total",
            "Peer messages that failed before policy, by the check that they failed.",
            ("check",),
            registry=self.registry,
        )
        self.logons = Counter(
            "sallyport_logons_total",
            "Log-ons at the token service, by outcome.",
            ("outcome",),
            registry=self.registry,
        )
        self.degraded = Gauge(
            "sallyport_degraded",
            "1 where a component is not as it should be.",
            ("component",),
            registry=self.registry,
        )

        self.source_age = Gauge(
            "sallyport_source_age_seconds",
            "Age of each source's records.",
            ("source",),
            registry=self.registry,
        )
        self.source_stale = Gauge(
            "sallyport_source_stale",
            "1 where a source is older than the strictest limit that policy sets on its records.",
            ("source",),
            registry=self.registry,
        )
        self.source_incomplete = Gauge(
            "sallyport_source_incomplete",
            "1 where the last check of a live source found rows that no search gives; 0: none.",
            ("source",),
            registry=self.registry,
        )
        self.source_failing = Gauge(
            "sallyport_source_failing",
            "1 where a source's last import failed or was refused, or its mapping is wrong.",
            ("source",),
            registry=self.registry,
        )
        self.imports = Counter(
            "sallyport_scheduled_imports_total",
            "Imports that the schedule has started, by source and result.",
            ("source", "outcome"),
            registry=self.registry,
        )

        self.agreement_days = Gauge(
            "sallyport_agreement_days_left",
            "Begun days until an agreement in force ends.",
            ("agreement",),
            registry=self.registry,
        )

    def observe_request(self, route: str, status: int, seconds: float) -> None:
        """Count one served request. `route` is its template, never its address."""
        self.requests.labels(route, str(status)).observe(seconds)


def configure_logging(*, as_json: bool, to: TextIO) -> None:
    """Send every log line to a stream as one event. Foreign loggers' lines lose their values.

    A library's line may hold what came in, in its text, its arguments or an exception's text: only
    a text that stands so in the library's code, the kind of exception and its place are kept.
    """
    renderer = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(to),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Foreign()]
    root.setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


class _Foreign(logging.Handler):
    """Passes a library's line on without values."""

    def emit(self, record: logging.LogRecord) -> None:
        said: object = record.msg
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(said, BaseException):
            error = error or said
        structlog.get_logger(record.name).log(
            record.levelno,
            "library",
            template=said if isinstance(said, str) and _is_literal(said, record) else None,
            kind=type(error).__name__ if error else None,
            # What the system says, such as that an address is in use: its own words alone.
            system=_system(error),
            at=f"{record.module}:{record.lineno}",
        )


def _system(error: BaseException | None) -> str | None:
    """Say what the system says of its error. Others bring numbers of their own, or none."""
    if not isinstance(error, OSError) or isinstance(error, SSLError | gaierror):
        return None
    return os.strerror(error.errno) if type(error.errno) is int and error.errno > 0 else None


def _is_literal(text: str, record: logging.LogRecord) -> bool:
    """Whether the text stands so in the function that logs it: then it was not made of values."""
    frame = currentframe()
    while frame is not None:
        code = frame.f_code
        if (code.co_filename, code.co_name) == (record.pathname, record.funcName):
            return text in code.co_consts
        frame = frame.f_back
    return False


_ERROR_OUTPUT = 2
_PLACE = re.compile(
    rb"panicked at [^\n]*?([\w-]+/[\w.-]+\.rs:\d+)|^ +File \"[^\n]*?(\w+\.py\", line \d+)",
    re.MULTILINE,
)


@contextmanager
def own_error_output() -> Iterator[TextIO]:
    """Give the process's standard error to our log alone, until the end.

    What else writes there (native code that panics, a thread's traceback, a warning) may show what
    came in, and no handler of ours sees it. Of that the log gets the size and the places in code.
    """
    sys.stderr.flush()
    kept = os.dup(_ERROR_OUTPUT)
    read, write = os.pipe()
    # Native code may write while it holds the interpreter, and so nobody could read: what doesn't
    # fit is lost rather than waited for.
    os.set_blocking(write, False)
    os.dup2(write, _ERROR_OUTPUT)
    os.close(write)
    reader = threading.Thread(target=_tell_of, args=(read,), name="error output", daemon=True)
    reader.start()
    try:
        # Line by line, as standard error is. It stays open: loggers keep it.
        yield os.fdopen(os.dup(kept), "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    finally:
        os.dup2(kept, _ERROR_OUTPUT)
        os.close(kept)
        reader.join(5)


def _tell_of(read: int) -> None:
    """Log that something was written, until all writers are gone."""
    log = structlog.get_logger("sallyport.errors")
    while written := os.read(read, 1 << 16):
        places = [next(filter(None, found)) for found in _PLACE.findall(written)]
        at = [place.decode().replace('", line ', ":") for place in places]
        log.error("not shown, it may hold values", bytes=len(written), at=at)
    os.close(read)


class _FileExporter(SpanExporter):
    """Spans as JSON lines: name, ids, times and our own attributes. Never an exception's text."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Append the spans."""
        lines = []
        for s in spans:
            context = s.get_span_context()
            lines.append(
                json.dumps(
                    {
                        "name": s.name,
                        "trace": f"{context.trace_id:032x}" if context else "",
                        "span": f"{context.span_id:016x}" if context else "",
                        "parent": f"{s.parent.span_id:016x}" if s.parent else None,
                        "start_ns": s.start_time,
                        "end_ns": s.end_time,
                        "attributes": dict(s.attributes or {}),
                    }
                )
            )
        with self._path.open("a", encoding="utf-8") as f:
            f.write("".join(line + "\n" for line in lines))
        return SpanExportResult.SUCCESS


class Tracing:
    """Own spans at the few places that matter, sampled. Without a file nothing is recorded."""

    def __init__(self, file: Path | None = None, ratio: float = 0.0) -> None:
        self._provider: TracerProvider | None = None
        self._tracer: trace.Tracer = trace.NoOpTracer()
        if file is not None:
            file.touch(mode=0o600)
            self._provider = TracerProvider(
                sampler=ParentBasedTraceIdRatio(ratio),
                resource=Resource.create({"service.name": "sallyport"}),
                shutdown_on_exit=False,
            )
            self._provider.add_span_processor(BatchSpanProcessor(_FileExporter(file)))
            self._tracer = self._provider.get_tracer("sallyport")

    @contextmanager
    def span(self, name: str, **attributes: str | int | bool) -> Iterator[None]:
        """Time a part of the work. An exception passes through and leaves no text behind."""
        if self._provider is None:
            yield
            return
        with self._tracer.start_as_current_span(
            name, attributes=attributes, record_exception=False, set_status_on_exception=False
        ):
            yield

    def close(self) -> None:
        """Write what is left."""
        if self._provider is not None:
            self._provider.shutdown()


def what_failed(error: BaseException) -> dict[str, str]:
    """Give an unexpected error's kind and place, for a log line.

    Its text may hold what came in, so it is left out. Of tasks side by side the first counts.
    """
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    tb = error.__traceback__
    while tb is not None and tb.tb_next is not None:
        tb = tb.tb_next
    at = f"{tb.tb_frame.f_globals.get('__name__', '?')}:{tb.tb_lineno}" if tb else "?"
    return {"kind": type(error).__name__, "at": at}

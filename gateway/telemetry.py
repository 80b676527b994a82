"""Metrics and spans. Labels and attributes are words of ours, never anything that came in."""

import json
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

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


def configure_logging(*, as_json: bool) -> None:
    """Send every log line to standard error as one event. Foreign loggers' lines lose their values.

    A library's line may hold what came in, in its arguments or in an exception's text: of those
    only the template, the kind of exception and its place are kept.
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
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
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
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        template = str(record.msg)[:200] if record.args or not kind else kind
        if template.startswith("Traceback"):
            template = "a traceback, not shown: it may hold values"
        structlog.get_logger(record.name).log(
            record.levelno,
            "library",
            template=template,
            kind=kind,
            at=f"{record.module}:{record.lineno}",
        )


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

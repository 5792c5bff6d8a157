/**
 * One OpenTelemetry trace for each execution, by OTLP over HTTP: a span for the execution, one for each stage over all pairs, and one for each
 * call of a step, with names of the state machine. No statement, no row, no message of an error is in a span; a collector that fails or hangs
 * is one warning.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Attributes, ROOT_CONTEXT, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';
import { InvalidInput } from '../../core/contracts/errors.ts';
import { keepSecret, withheld } from '../../core/contracts/redact.ts';
import { ledgerStepOf, nameOfStep, pairStepOfState } from '../../core/contracts/steps/catalogue.ts';
import { recordOf } from '../../core/history/json.ts';
import { isReadableOnTheWay } from '../hooks/clear-text.ts';
import { type ExecutionObserver, guarded } from '../hooks/guarded.ts';
import type { Hooks } from '../hooks/hooks.ts';
import type { Ending, Subject } from '../hooks/milestones.ts';
import type { ProgressEvent } from '../progress/events.ts';
import type { Progress } from '../progress/state.ts';
import { version } from '../version.ts';

/** Milliseconds that the end of a process waits for the last spans. */
const END_MS = 10_000;
/** The longest histories have some 6,000 calls of steps; they come over hours. */
const MOST_QUEUED = 8_192;

const ENDPOINTS = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'] as const;
const HEADERS = ['OTEL_EXPORTER_OTLP_TRACES_HEADERS', 'OTEL_EXPORTER_OTLP_HEADERS'] as const;

/** @throws InvalidInput where no variable names a collector, or what is sent there could be read on the way */
export function openTraces(warn: (line: string) => void, endMs: number = END_MS): Hooks {
  const { env } = process;
  checkEndpoint(env);
  for (const name of [...ENDPOINTS, ...HEADERS]) keepHeader(env[name]);
  let complain = warn;
  let hasWarned = false;
  const onFailure = (): void => {
    if (hasWarned) return;
    hasWarned = true;
    complain('! --trace: spans could not be exported; the migration is not affected, and this is reported once');
  };
  const exporter = reporting(new OTLPTraceExporter(), onFailure);
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': env.OTEL_SERVICE_NAME || 'p2pfk', 'service.version': version }),
    spanProcessors: [new BatchSpanProcessor({ exporter, maxQueueSize: MOST_QUEUED })],
  });
  const tracer = provider.getTracer('p2pfk', version);
  return {
    observe: (execution) => guarded(new ExecutionTrace(tracer, execution), (line) => complain(line)),
    warnThrough(other) {
      complain = other;
    },
    async close() {
      const flushed = provider.forceFlush({ timeoutMillis: endMs }).then(
        () => true,
        () => false,
      );
      const over = new AbortController();
      const inTime = await Promise.race([flushed, delay(endMs, false, { signal: over.signal }).catch(() => false)]);
      over.abort();
      if (!inTime) onFailure();
    },
  };
}

function checkEndpoint(env: NodeJS.ProcessEnv): void {
  const name = ENDPOINTS.find((each) => (env[each] ?? '') !== '');
  if (name === undefined)
    throw new InvalidInput(
      '--trace needs the address of a collector: export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318',
    );
  const url = URL.parse(env[name] ?? '');
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new InvalidInput(`${name} must be a URL of OTLP over HTTP, such as http://127.0.0.1:4318`);
  if (url.username !== '' || url.password !== '')
    throw new InvalidInput(`${name} may have no user and no password: put a key into ${HEADERS[1]}`);
  if (isReadableOnTheWay(url))
    throw new InvalidInput(
      `${name} must begin with https://, because spans name tables and servers, and headers have keys; http:// is for a collector on this machine, such as 127.0.0.1`,
    );
}

/** `api-key=SECRET,other=...`: each value is a secret, and the whole text. */
function keepHeader(text: string | undefined): void {
  for (const part of text?.split(',') ?? []) keepSecret(part.slice(part.indexOf('=') + 1).trim());
}

function reporting(exporter: SpanExporter, onFailure: () => void): SpanExporter {
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        // ExportResultCode.SUCCESS is 0.
        if (result.code !== 0) onFailure();
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
  };
}

interface Stage {
  readonly span: Span;
  /** Milliseconds since 1970: of the last call that has ended. */
  endedAt: number;
}

/** The trace of one execution. */
class ExecutionTrace implements ExecutionObserver {
  readonly #tracer: Tracer;
  readonly #root: Span;
  /** By the name of their Map state. */
  readonly #stages = new Map<string, Stage>();
  /** Calls that have not ended, by state and pair. */
  readonly #calls = new Map<string, Span>();
  #isDescribed = false;

  constructor(tracer: Tracer, { executionArn, operation, table }: Subject) {
    this.#tracer = tracer;
    this.#root = tracer.startSpan(`p2pfk ${operation}`, {
      attributes: shown({ 'p2pfk.execution_arn': executionArn, 'p2pfk.operation': operation, 'p2pfk.table': table }),
    });
  }

  onEvent(event: ProgressEvent, { plan }: Progress): void {
    if (plan !== null && !this.#isDescribed) {
      this.#isDescribed = true;
      this.#root.setAttributes(
        shown({
          'db.system.name': 'postgresql',
          'db.namespace': plan.database.database,
          'server.address': plan.database.endpoint,
          'p2pfk.table': plan.table,
          'p2pfk.constraint': plan.constraint,
          'p2pfk.migration_id': plan.migrationId ?? '',
          'p2pfk.pairs': plan.pairCount ?? plan.pairs.length,
        }),
      );
    }
    switch (event.type) {
      case 'TaskScheduled':
        this.#begin(event);
        break;
      case 'TaskSucceeded':
        this.#end(event, recordOf(event.output).status);
        break;
      case 'TaskFailed':
        this.#end(event, undefined, event.failure?.name ?? 'Error');
    }
  }

  onEnd({ report: { status, error }, at }: Ending): void {
    // Calls that the end of the execution has cut off.
    for (const span of this.#calls.values()) span.end(new Date(at));
    this.#calls.clear();
    for (const { span, endedAt } of this.#stages.values()) span.end(new Date(endedAt));
    this.#root.setAttribute('p2pfk.status', status);
    if (error !== null) fail(this.#root, error.name);
    this.#root.end(new Date(at));
  }

  #begin({ state = '', attempt = 1, input, at }: ProgressEvent): void {
    const { pair, referencing } = recordOf(input);
    const key = keyOf(state, pair);
    // The step is asked again, for example whether a validation has ended.
    this.#calls.get(key)?.end(new Date(at));
    const span = this.#startSpan(state, at, this.#parentOf(state, at));
    span.setAttribute('p2pfk.attempt', attempt);
    if (typeof pair === 'number') span.setAttribute('p2pfk.pair', pair);
    if (typeof referencing === 'string') span.setAttributes(shown({ 'p2pfk.referencing': referencing }));
    this.#calls.set(key, span);
  }

  #end({ state = '', input, output, at }: ProgressEvent, status: unknown, error?: string): void {
    const key = keyOf(state, recordOf(input).pair);
    const span = this.#calls.get(key);
    if (span === undefined) return;
    this.#calls.delete(key);
    if (typeof status === 'string') span.setAttribute('p2pfk.status', status);
    const { lockWaitMs } = recordOf(output);
    if (typeof lockWaitMs === 'number') span.setAttribute('p2pfk.lock_wait_ms', lockWaitMs);
    if (error !== undefined) fail(span, error);
    span.end(new Date(at));
    const stage = this.#stages.get(stageOf(state) ?? '');
    if (stage !== undefined) stage.endedAt = at;
  }

  #parentOf(state: string, at: number): Span {
    const name = stageOf(state);
    if (name === null) return this.#root;
    const stage = this.#stages.get(name) ?? { span: this.#startSpan(name, at, this.#root), endedAt: at };
    this.#stages.set(name, stage);
    return stage.span;
  }

  #startSpan(name: string, at: number, parent: Span): Span {
    return this.#tracer.startSpan(name, { startTime: new Date(at) }, trace.setSpan(ROOT_CONTEXT, parent));
  }
}

/** Name of the Map state in which a state on pairs is; null for a state on the whole migration. */
function stageOf(state: string): string | null {
  const step = pairStepOfState(state);
  return step === null ? null : ledgerStepOf(nameOfStep(step));
}

function keyOf(state: string, pair: unknown): string {
  return typeof pair === 'number' ? `${state}#${pair}` : state;
}

/** Names come from what was typed, and from the database: none of them may be a secret of this process. */
function shown(attributes: Attributes): Attributes {
  const texts = Object.entries(attributes).map(([key, value]) => [
    key,
    typeof value === 'string' ? withheld(value) : value,
  ]);
  return Object.fromEntries(texts) as Attributes;
}

/** The name of the error alone: a message may quote a query of another session. */
function fail(span: Span, error: string): void {
  span.setAttribute('error.type', error);
  span.setStatus({ code: SpanStatusCode.ERROR, message: error });
}

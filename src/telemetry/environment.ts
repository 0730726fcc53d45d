type Environment = Readonly<Record<string, string | undefined>>;

/** What the usual `OTEL_…` variables ask for. */
export interface Wanted {
  readonly traces: boolean;
  readonly metrics: boolean;
  readonly protocol: 'http/protobuf' | 'http/json' | 'grpc';
  /** What is asked for and not done, for people. */
  readonly notes: readonly string[];
}

const SIGNALS = ['traces', 'metrics'] as const;
const PROTOCOLS = ['http/protobuf', 'http/json', 'grpc'] as const;

/**
 * Nothing is told unless somebody says where to or by what: an endpoint of OTLP, or an exporter "otlp". OpenTelemetry itself would
 * send to localhost in any case; here silence is the default.
 *
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export function wantedTelemetry(env: Environment = process.env): Wanted {
  const notes: string[] = [];
  const disabled = env.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true';
  const wants = (signal: (typeof SIGNALS)[number]): boolean => {
    const name = `OTEL_${signal.toUpperCase()}_EXPORTER`;
    const exporters = (env[name] ?? '')
      .split(',')
      .map((word) => word.trim())
      .filter((word) => word !== '');
    if (disabled || exporters.includes('none')) return false;
    if (exporters.length === 0)
      return [`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`, 'OTEL_EXPORTER_OTLP_ENDPOINT'].some(
        (variable) => (env[variable] ?? '') !== '',
      );
    if (exporters.every((exporter) => exporter === 'otlp')) return true;
    notes.push(`${name} is "${env[name]}"; Perennial exports over OTLP only, so no ${signal} are exported. Set it to "otlp" or "none".`);
    return false;
  };
  const [traces, metrics] = SIGNALS.map(wants) as [boolean, boolean];
  const on = traces || metrics;
  const given = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL?.trim() || env.OTEL_EXPORTER_OTLP_PROTOCOL?.trim() || 'http/protobuf';
  const protocol = PROTOCOLS.find((known) => known === given);
  if (on && protocol === undefined)
    notes.push(`OTEL_EXPORTER_OTLP_PROTOCOL is "${given}"; expected ${PROTOCOLS.join(', ')}. http/protobuf is used.`);
  const propagators = (env.OTEL_PROPAGATORS ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  if (on && propagators.some((name) => name !== 'tracecontext' && name !== 'baggage'))
    notes.push(`OTEL_PROPAGATORS is "${env.OTEL_PROPAGATORS}"; Perennial passes traces on as W3C "tracecontext" only.`);
  if (on && (env.OTEL_EXPERIMENTAL_CONFIG_FILE ?? env.OTEL_CONFIG_FILE ?? '') !== '')
    notes.push('A configuration file of OpenTelemetry is named, and Perennial does not read it: give OTEL_… variables instead.');
  return { traces, metrics, protocol: protocol ?? 'http/protobuf', notes };
}

/** What Prometheus reads: counts and times by route and outcome, never by device, person or address. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export type Metrics = {
  readonly registry: Registry;
  request(route: string, status: number, seconds: number): void;
  checkIn(took: string, parked: number, alarms: number): void;
  problem(code: string): void;
};

export type Gauges = Readonly<Record<string, { readonly help: string; readonly value: () => number }>>;

export function createMetrics(gauges: Gauges): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new Histogram({
    name: 'muster_request_seconds',
    help: 'Time from the first byte of a request to the last of its answer.',
    labelNames: ['route', 'status'] as const,
    buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5],
    registers,
  });
  const checkIns = new Counter({
    name: 'muster_check_ins_total',
    help: 'Check-ins by what they brought.',
    labelNames: ['took'] as const,
    registers,
  });
  const parked = new Counter({ name: 'muster_parked_rows_total', help: 'Rows of check-ins that could not be taken.', registers });
  const alarms = new Counter({ name: 'muster_alarms_total', help: 'Clones and broken records; see the audit.', registers });
  const problems = new Counter({ name: 'muster_problems_total', help: 'Refusals by code.', labelNames: ['code'] as const, registers });
  for (const [name, { help, value }] of Object.entries(gauges)) {
    new Gauge({
      name: `muster_${name}`,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  }
  // Finding the series of a set of labels costs more than counting in it; there are as many as routes and codes.
  const series = new Map<string, ReturnType<typeof requests.labels>>();
  return {
    registry,
    request(route, status, seconds) {
      const name = `${status} ${route}`;
      const known = series.get(name) ?? requests.labels(route, String(status));
      series.set(name, known);
      known.observe(seconds);
    },
    checkIn(took, rows, found) {
      checkIns.inc({ took });
      if (rows > 0) parked.inc(rows);
      if (found > 0) alarms.inc(found);
    },
    problem: (code) => problems.labels(code).inc(),
  };
}

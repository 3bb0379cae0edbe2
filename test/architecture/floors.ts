/** The rooms of the sources, lowest first: an import may run down this list, never up. A new folder gets its line here. */
export interface Room {
  /** A folder, or a file that stands in no room. */
  readonly path: string
  readonly owns: string
}

export const floors: readonly Room[] = [
  { path: 'framework/model', owns: 'plain data: record, work, settings, events, errors' },
  { path: 'framework/api', owns: 'what users write: handlers, topics, traffic' },
  { path: 'framework/kafka', owns: 'the port to a Kafka client, its laws, and what holds for every client' },
  { path: 'framework/config', owns: 'the options: their schemas, layers and variables, and what they resolve to' },
  { path: 'framework/time', owns: 'the clock, and what waits by it' },
  { path: 'framework/validation', owns: 'what a value must be: decoding, schemas, guarded patterns' },
  { path: 'framework/registry', owns: 'the schema registry: what is asked of it, and who asks' },
  { path: 'framework/formats/avro', owns: 'Avro: schemas, resolution, values' },
  { path: 'framework/formats/protobuf', owns: 'Protobuf: schemas, resolution, values' },
  {
    path: 'framework/formats',
    owns: 'values in the formats of a registry: frames, schemas of writers, what reads and writes',
  },
  {
    path: 'framework/kafka/faults',
    owns: 'what errors of brokers mean, and how they are told: the same for every client',
  },
  { path: 'framework/kafka/starts', owns: 'where assigned partitions begin: the same for every client' },
  { path: 'framework/kafka/librdkafka', owns: 'the client on librdkafka' },
  { path: 'framework/kafka/javascript', owns: 'the client in JavaScript: membership of a group, what to fetch next' },
  { path: 'framework/kafka/clients', owns: 'which client a connection is made with' },
  { path: 'framework/kafka/memory', owns: 'the cluster in memory' },
  { path: 'framework/kafka/embedded', owns: 'the embedded broker, in a process of its own' },
  { path: 'framework/observability', owns: 'what people see: log lines, metrics, pages' },
  { path: 'framework/tracing', owns: 'spans of attempts' },
  { path: 'framework/publishing', owns: 'producing records: checked first, acknowledged last' },
  { path: 'framework/control-plane/offsets', owns: 'which offsets are complete, and completions as commit metadata' },
  {
    path: 'framework/control-plane/partition',
    owns: 'one partition in one assignment: order, batches, retries, breakers',
  },
  { path: 'framework/control-plane/flow', owns: 'how much may start: budgets, rates, permits' },
  { path: 'framework/control-plane/failures', owns: 'what becomes of a record after an attempt' },
  { path: 'framework/control-plane/cuts', owns: 'what a transaction of an exactly-once group carries' },
  { path: 'framework/control-plane', owns: 'the verbs of the state machine, and how assignments begin and end' },
  { path: 'framework/execution-plane', owns: 'the contract of engines, and the exchange of their code' },
  { path: 'framework/control-plane/shell', owns: 'the async shell: polling, pumping, committing, draining' },
  { path: 'framework/execution-plane/attempt', owns: 'one attempt, wherever it runs' },
  { path: 'framework/execution-plane/engines', owns: 'the gate of every engine, and attempts on the event loop' },
  { path: 'framework/execution-plane/worker/thread', owns: "the thread's side, and what crosses the boundary" },
  { path: 'framework/execution-plane/worker/lane', owns: 'one thread seen from outside' },
  { path: 'framework/execution-plane/worker', owns: 'the worker engine: which thread gets what' },
  { path: 'framework/dead-letters', owns: 'reading dead letters' },
  { path: 'framework/dead-letters/replay', owns: 'publishing dead letters again' },
  { path: 'framework/console/http', owns: 'who may ask the console, and how it answers' },
  { path: 'framework/runtime/inspection.ts', owns: 'what a running process is asked about its records' },
  { path: 'framework/console', owns: 'what `/api` of the console answers' },
  { path: 'framework/console/page/models', owns: 'what the page shows, as pure functions' },
  { path: 'framework/console/page/link', owns: "the page's token, requests and stream" },
  { path: 'framework/console/page', owns: 'the page of the console' },
  { path: 'framework/runtime', owns: 'the composition root, and what runs above the planes' },
  { path: 'framework/testing', owns: 'one call of a handler in a test, and a clock that is moved by hand' },
  { path: 'framework/testing/simulation', owns: "users' handlers under schedules of faults" },
  { path: 'framework/testing/index.ts', owns: 'what users import in their own tests' },
  { path: 'framework/index.ts', owns: 'what users import' },
  { path: 'cli/terminal', owns: 'what a verb reads and writes: streams, colours, tables, signals' },
  { path: 'cli/diagnostics', owns: "mistakes in users' sources, shown" },
  { path: 'cli/folders', owns: 'where this package, builds and pulled schemas lie' },
  { path: 'cli/bundle', owns: 'bundling with esbuild' },
  { path: 'cli/project', owns: "the user's project: config, environment, routes" },
  { path: 'cli/cluster', owns: 'the cluster that a verb means, and what is true of it' },
  { path: 'cli/records', owns: 'values and records as they are typed and shown' },
  { path: 'cli/codegen/schema', owns: 'schemas as plain data; knows no compiler' },
  { path: 'cli/codegen/types', owns: "from the compiler's types to schemas" },
  { path: 'cli/codegen/scan', owns: 'what handler files say' },
  { path: 'cli/codegen/render', owns: 'the text of generated files' },
  { path: 'cli/codegen', owns: 'scans, renders, compares' },
  { path: 'cli/schemas', owns: 'schemas of a registry, written as types' },
  { path: 'cli/build', owns: 'the folder that runs in production' },
  { path: 'cli/manifests', owns: 'manifests of platforms' },
  { path: 'cli/completion', owns: 'scripts for shells' },
  { path: 'cli/dlq', owns: 'dead letters, shown' },
  { path: 'cli/dlq/replay', owns: 'a replay, told' },
  { path: 'cli/send', owns: 'producing records by hand' },
  { path: 'cli/status', owns: 'the snapshot of a running process, drawn' },
  { path: 'cli/init', owns: 'templates, and what becomes of one' },
  { path: 'cli/dev/broker', owns: 'the cluster of a dev session' },
  { path: 'cli/dev/registry', owns: 'the schema registry of a dev session' },
  { path: 'cli/dev/app', owns: "the user's app, loaded and loaded again" },
  { path: 'cli/dev/traffic', owns: 'generated traffic, and its verdict' },
  { path: 'cli/dev/view', owns: 'what a session shows' },
  { path: 'cli/dev/faults', owns: 'faults on demand, and what became of every record' },
  { path: 'cli/dev/console', owns: 'the console of a dev session' },
  { path: 'cli/dev', owns: 'one run of `pyrallel dev`' },
  { path: 'cli/start', owns: 'production: runs what a build has made' },
  { path: 'cli/verbs', owns: 'the verbs: their flags, and what each does' },
  { path: 'cli/main.ts', owns: 'the command' },
  { path: 'cli/bin.ts', owns: 'its start' },
  { path: 'cli/bin.mjs', owns: 'its start on whatever Node there is' },
]

/** The floor of a file: its own line, else that of its folder. `undefined`: it stands in no room. */
export function floorOf(path: string): number | undefined {
  const own = floors.findIndex((room) => room.path === path)
  if (own >= 0) return own
  const folder = path.slice(0, path.lastIndexOf('/'))
  const of = floors.findIndex((room) => room.path === folder)
  return of < 0 ? undefined : of
}

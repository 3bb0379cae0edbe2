/** What lies behind each error code, and what to do about it: the text of `pyrallel docs <code>`, which needs no network. */
import type { ErrorCode } from '../../framework/model/errors.ts'

export interface ErrorDoc {
  /** How one comes to meet it. */
  readonly cause: string
  /** What to do, or that there is nothing to do. */
  readonly fix: string
}

/** In the order of the codes' own table. */
export const errorDocs: Readonly<Record<ErrorCode, ErrorDoc>> = {
  PYR_BUG: {
    cause:
      'Two parts of Pyrallel disagree about something that can only be one way. It stops rather than risk a wrong commit.',
    fix: 'Restart the process: nothing is lost, records in flight are delivered again. Report the message, and what DEBUG=1 adds to it.',
  },
  PYR_ENGINE_NOT_STARTED: {
    cause: 'Code of your own drives an ExecutionEngine and submits work before its start() has settled.',
    fix: 'Await start() before the first submit(). Handlers never meet this.',
  },
  PYR_ENGINE_FULL: {
    cause: 'Code of your own drives an ExecutionEngine and submits more than its capacity.',
    fix: 'Look at `capacity` before each submit(). Handlers never meet this.',
  },
  PYR_ENGINE_CLOSED: {
    cause: 'Code of your own drives an ExecutionEngine and submits work after close().',
    fix: 'Make a new engine; a closed one does not open again. Handlers never meet this.',
  },
  PYR_ATTEMPT_OVER: {
    cause:
      'A handler has started something that it did not wait for, and that went on when the handler had returned, or had been given up after its deadline. The record counts as done, or runs again.',
    fix: 'Await everything that publishes, or fails records of a batch, before the handler returns. The log line names the record.',
  },
  PYR_UNCAUGHT: {
    cause:
      'Something threw where nobody catches it (a timer, an event of a socket), and no record that Pyrallel knows of had started it. What is in memory may be broken by now.',
    fix: 'Nothing is lost: what was done is committed, and the process may be started again. The stack says who threw; catch it there.',
  },
  PYR_WORKER_START: {
    cause:
      'The module of a handler with `engine: "worker"` threw while its thread loaded it, or its `setup` export failed.',
    fix: 'Read the cause in the message: an import that is missing, an environment variable, a native library that does not work in threads. The native Kafka client does not: publish through the context.',
  },
  PYR_NATIVE_MISSING: {
    cause:
      '@confluentinc/kafka-javascript was not installed, was installed with its install script blocked, or was built for another version of Node.',
    fix: 'Allow its install script (npm: allowScripts in package.json; pnpm: allowBuilds in pnpm-workspace.yaml, up to version 10 pnpm.onlyBuiltDependencies in package.json; Yarn: dependenciesMeta; Bun: trustedDependencies; `pyrallel init` writes them) and install again. Without a prebuilt binary: install zlib1g-dev libssl-dev libzstd-dev libcurl4-openssl-dev libsasl2-dev (Debian), then `CKJS_LINKING=dynamic npm install`. The client in JavaScript needs none of it (kafka.client), and `pyrallel dev --broker memory` no client at all.',
  },
  PYR_CLIENT_MISSING: {
    cause:
      '@platformatic/kafka is not installed. It is optional, and npm leaves it out without a word on a Node that is older than it asks for (22), or with `--omit=optional`.',
    fix: 'Run `npm install --save-exact @platformatic/kafka@2.12.1` in the project: as a dependency of its own, npm installs it with a warning on Node 20, too. Or install the native client: `pyrallel docs PYR_NATIVE_MISSING`.',
  },
  PYR_AUTH_FAILED: {
    cause:
      'The connection stands, but the broker refused the user, password or certificate of kafka.security, or its own certificate was not issued by kafka.security.ca, has expired, or is for another name.',
    fix: 'The message has the reason of the client. Check kafka.security: the mechanism and the user that the broker knows, the authority in `ca`, the name in kafka.brokers. `pyrallel config` shows which values count, without the secrets.',
  },
  PYR_BROKER_UNREACHABLE: {
    cause:
      'Nothing answered in the Kafka protocol at kafka.brokers: no broker runs there, a firewall is between, or it wants TLS or SASL and gets plain text (or the reverse).',
    fix: 'Check the address with `pyrallel doctor --brokers host:port`. Set kafka.brokers, or PYRALLEL_KAFKA_BROKERS, or kafka.security. A broker in a container must advertise an address that is reachable from here.',
  },
  PYR_GROUP_TAKEN: {
    cause:
      'Kafka has one name space for groups of every type. Another tool uses the name for a share group or a Kafka Streams group, or its members share partitions by another protocol or assignor than this one.',
    fix: 'Choose another `group` in pyrallel.config.ts, or in the handler. `kafka-groups.sh --bootstrap-server host:port --list` shows the type of each group. When the other tool is to be replaced, end its members and delete its group first.',
  },
  PYR_TOPIC_UNKNOWN: {
    cause:
      'A topic that a handler reads, or its dead-letter topic, is not on the cluster; or the user has no right to see it, which Kafka does not tell apart.',
    fix: '`pyrallel topics` shows what is missing, `pyrallel topics --create` creates it. Otherwise correct the name, or ask for the right to describe the topic.',
  },
  PYR_NOT_OWNED: {
    cause: 'The group has moved a partition to another member before a commit for it was sent.',
    fix: 'Nothing: the other member handles those records again. When it happens often, the group rebalances too often: see shutdown.revokeGrace and max.poll.interval.ms.',
  },
  PYR_COMMIT_FAILED: {
    cause:
      'The group coordinator refused a commit: the group is rebalancing, the coordinator moves, or this member was expelled.',
    fix: 'Nothing for a single one: it is tried again with the next commit. When they persist, look at the broker, and for handlers that block the event loop.',
  },
  PYR_PRODUCE_FAILED: {
    cause: 'The broker did not take a record within message.timeout.ms, has no such partition, or refused it.',
    fix: 'In a handler the attempt fails and is tried again. Look at the cause: too few in-sync replicas, no right to write, a broker that is down.',
  },
  PYR_TRANSACTION_FAILED: {
    cause:
      'Something went wrong inside a transaction: a broker that is down, a group that rebalances, a record or an offset that the broker does not take.',
    fix: 'Nothing for a single one: nothing of it was visible, or it is found out whether it was, and it is tried again. When they persist, the message says what the broker refuses.',
  },
  PYR_TRANSACTION_FENCED: {
    cause: 'A transactional id belongs to one process at a time. Another one has begun transactions under the same id.',
    fix: 'Give each process a kafka.instanceId of its own, or none: two replicas must not share one.',
  },
  PYR_TRANSACTION_REFUSED: {
    cause:
      "The user lacks rights on the transactional id, the brokers' transaction.max.timeout.ms is too small, or the broker is older than Kafka 2.5.",
    fix: 'Grant Write and Describe on the transactional id that the message names, or on a prefix of it.',
  },
  PYR_RECORD_INVALID: {
    cause:
      'A key, or the value of a header, is a number, an object, null or undefined. Types forbid it, so it came from JavaScript or past a cast.',
    fix: 'Nothing was sent. Make a text of it (`String(attempt)`), or leave the header out. The message names the topic and the header.',
  },
  PYR_RECORD_TOO_LARGE: {
    cause: 'A record is larger than message.max.bytes of the client, or max.message.bytes of the topic.',
    fix: 'Publish a reference instead of the content; or raise kafka.librdkafka["message.max.bytes"] and the limit of the topic. No retry will make it smaller: catch it, or throw DeadLetter.',
  },
  PYR_OUTPUTS_TOO_LARGE: {
    cause:
      'In an exactly-once group, what a handler publishes waits in memory until its record is committed. One attempt would take more than a quarter of limits.maxBytes, so its record is given up without a retry; a batch is split first.',
    fix: 'Publish less of one record, a reference instead of the content, or smaller batches; or raise limits.maxBytes. With exactly once switched off, records are sent as they are published.',
  },
  PYR_OUTPUT_OWNER: {
    cause:
      'In an exactly-once group, what is published becomes visible with the record that it belongs to. The option `of` names a record that is none of the batch, or a tick has published, which has no record.',
    fix: 'Name a record that the batch function was given, as it was given. From a tick, call the publish of the context of the record whose handler waits for the tick.',
  },
  PYR_CLIENT_CLOSED: {
    cause:
      'Something used the Kafka client after it had been closed: mostly a publish that a handler started and did not await, at a shutdown. Or start() or update() of a runtime was cut short by its stop().',
    fix: 'Await what you publish, and stop timers of your own before runtime.stop(). A runtime that was stopped cannot be started again: make another with createRuntime().',
  },
  PYR_KAFKA: {
    cause: 'librdkafka reported an error that Pyrallel has no code for; its own text and number are in the message.',
    fix: 'Look the number up in librdkafka (rdkafka.h). With logging.level "debug", its own log is written too.',
  },
  PYR_COMMIT_REFUSED: {
    cause:
      'A topic that was deleted, or that this user may not read any more: the commits of its partitions are refused.',
    fix: 'Create the topic again, or give the right back. Until then those partitions stand still, and all others go on; each refused commit is tried again every 10 s.',
  },
  PYR_COMMIT_TOO_LARGE: {
    cause:
      "Commits with metadata of many partitions in one request, and `max.message.bytes` of the coordinator's own topic is smaller than the 1 MB that Kafka has by default.",
    fix: 'Nothing: the request is halved until it fits, then the metadata of a partition is, so that more may run again after a crash. Raising the limit of __consumer_offsets keeps it whole.',
  },
  PYR_METADATA_TOO_LARGE: {
    cause:
      "The broker's offset.metadata.max.bytes is smaller than the 4,096 that Kafka has by default. Or `dlq replay` with a filter has left out so many records between those it published that one commit cannot tell them apart: it stops before it publishes what it could not mark.",
    fix: 'Raise it to 4096 on the broker, or set commit.recovery to "contiguous", which stores the position only. After a replay: publish what was left out up to the place in the message, as it says, then run the filter again.',
  },
  PYR_METADATA_UNREADABLE: {
    cause:
      'With commit.exactlyOnce, what is stored of a partition says which records are done and visible. It was damaged, written by another tool, or tells of more ranges than limits.maxRecordsPerPartition allows.',
    fix: 'Set back what has changed: the limit, or the broker whose offset.metadata.max.bytes cuts. To begin at the stored position all the same, run the group once without commit.exactlyOnce until it has committed: what was done above the position runs again, and its outputs are published twice.',
  },
  PYR_PORT_IN_USE: {
    cause: 'Another process listens on the port that was asked for; often it is a second copy of this one.',
    fix: 'Stop the other process, or set another port (http.port, or PYRALLEL_HTTP_PORT); 0 takes any that is free.',
  },
  PYR_STATUS_UNREACHABLE: {
    cause:
      '`pyrallel status` asked for the state of a running process, and none answered: it does not run, or its HTTP endpoints are not enabled.',
    fix: 'Set http.enabled (or PYRALLEL_HTTP_ENABLED=true) and restart the process, or name its address: pyrallel status --url http://host:port.',
  },
  PYR_CONFIG_INVALID: {
    cause:
      'An option does not exist, or its value is outside of its range. All mistakes are listed, each with the file or the variable it stands in.',
    fix: '`pyrallel config --explain` prints each option with its value, and where that was written.',
  },
  PYR_CONFIG_LOAD: {
    cause: 'pyrallel.config.ts is not in this folder, threw while it was loaded, or has no default export.',
    fix: 'Run the command in the folder of the project. `pyrallel init` writes a project with a config.',
  },
  PYR_SYNTAX: {
    cause: 'A handler, or a file of the project that one imports, is not TypeScript as it stands.',
    fix: 'Correct it at the mark of the code frame, then generate again; under `pyrallel dev` saving it is enough.',
  },
  PYR_TSCONFIG: {
    cause:
      'It extends a file or a package that is not there, or has a syntax error. What it would say is left out, and imports may lead elsewhere, or nowhere.',
    fix: 'Correct it at the mark of the code frame, or install what it extends. It is a warning: files are written.',
  },
  PYR_HANDLER_EXPORT: {
    cause:
      'Every .ts file below handlers/ is a handler, and this one does not export one by default, or cannot be loaded; or a handler stands in a file of another ending, or below a link, where it is not read; or there is none.',
    fix: 'Write `export default handler(topic, async (record, context) => { ... })`; or give the file a name that begins with `_`.',
  },
  PYR_HANDLER_STATIC: {
    cause:
      'Topic, id, group, engine and ordering are read without running your code, because offsets depend on them; here one of them is computed.',
    fix: 'Write a literal, a `const` with one, or an imported topic().',
  },
  PYR_HANDLER_DUPLICATE: {
    cause:
      'A group hands each record to one of its members only: two handlers of one topic in one group would each see half of the records.',
    fix: 'Give one of them a `group` of its own (it begins at kafka.startFrom), or an `id` of its own.',
  },
  PYR_HANDLER_OPTION: {
    cause: 'An option of a handler does not exist, or its value is outside of its range.',
    fix: 'The message names the option and what is allowed. A duration is a number of milliseconds, or a text such as "30s".',
  },
  PYR_TYPE: {
    cause:
      'Values are checked at run time by a schema that is derived from their TypeScript type, and this type has something that JSON cannot carry or that cannot be checked.',
    fix: 'Follow the hint below the code frame; or hand a TypeBox schema to the topic, from which the type is inferred: topic("name", { schema: Type.Object({ ... }) }).',
  },
  PYR_OUTSIDE_TRANSACTION: {
    cause:
      'The config has commit.exactlyOnce, and a handler, or a function that it calls, publishes with a runtime, a publisher or a producer of its own. That is seen at once, also where the attempt fails, and once more when the record runs again.',
    fix: 'Call `publish` of the context, the second parameter of the handler: async (record, { publish }) => { ... }. Where twice is no harm, leave it as it is. It is a warning: files are written. It is said of calls that can be told from the code, and of no others.',
  },
  PYR_PATTERN: {
    cause:
      'Two repetitions in the pattern can share the same characters: one inside of the other, as in (a+)+, or one behind the other, as in \\d+\\d+. On a text that does not match, all ways to share are tried, and nothing else runs in the process meanwhile.',
    fix: 'Write it so that each character can belong to one repetition only: [a-z]+(-[a-z]+)* instead of ([a-z]+-?)*. Add a @maxLength that values need, which is looked at first. With `engine: "worker"` the thread is ended at its time-out, and other handlers go on. It is a warning: files are written. Look-arounds are not looked through, so it may be wrong about a pattern that has some.',
  },
  PYR_TOPIC_TYPE: {
    cause:
      'One topic is declared in two places with different types of its values, or a handler names a topic whose format is declared elsewhere: one of the two is wrong about what is in it.',
    fix: 'Declare the topic once, in a file of its own, and import it everywhere.',
  },
  PYR_IMPORT_CYCLE: {
    cause:
      'Files import each other in a circle, so that the first one that is loaded meets another whose constants do not exist yet.',
    fix: 'Move what both need (mostly topics) into a file that imports neither.',
  },
  PYR_OFFSETS: {
    cause:
      'The topic, group, id or ordering of a handler is not what the committed generated/manifest.json says. Deployed, it would begin at kafka.startFrom, or run records again in another order.',
    fix: 'Take the change back; or, when it is meant, accept it as the message says and commit generated/.',
  },
  PYR_GENERATED_STALE: {
    cause: 'handlers/ has changed since generated/ was written; the exit code is 3.',
    fix: 'Run `pyrallel generate` and commit generated/.',
  },
  PYR_BUNDLE: {
    cause: 'esbuild could not read a file of the project, or an import leads nowhere.',
    fix: 'Correct the code at the mark, or install the package. One with machine code of its own is left out of a build by `pyrallel build --external name`.',
  },
  PYR_EXISTS: {
    cause: '`pyrallel init` never writes over a file, and some that it would write are there.',
    fix: 'Name another folder, or move the files that are listed.',
  },
  PYR_WRITE: {
    cause: 'The folder cannot be written to: it is read-only, belongs to somebody else, or the disk is full.',
    fix: 'Make it writable. In a container, mount the folder of the project with write access, or build outside.',
  },
  PYR_DEV_RUNS: {
    cause:
      '.pyrallel/dev.json names a process that is alive. Two of them would share that file, so that `send` and the other verbs would only find the second one.',
    fix: 'Use the one that runs, or stop it (Ctrl-C in its terminal). When the process of that number is something else, because `dev` was killed and its number given out anew: delete .pyrallel/dev.json.',
  },
  PYR_WATCH: {
    cause: 'The system could not watch the files of the project: mostly its limit of watched files is reached.',
    fix: 'Raise the limit (Linux: sysctl fs.inotify.max_user_watches=524288), or close other programs that watch.',
  },
  PYR_SCHEMA: {
    cause:
      'A value that was sent or published does not satisfy the schema of its topic. Values that arrive so go to the dead-letter topic.',
    fix: 'Correct the value: each mistake is listed with its place. When the schema is too strict, change the type and generate again.',
  },
  PYR_REGISTRY_UNREACHABLE: {
    cause:
      'Three requests to registry.url have got no answer: it does not run, a firewall is between, it is overloaded (status 429, 5xx), or its answer took longer than registry.requestTimeout.',
    fix: 'Look whether it runs, and at registry.url: `pyrallel config` shows it. The message has the reason.',
  },
  PYR_REGISTRY_REFUSED: {
    cause:
      'The registry answers with status 401 or 403, or the one of them did not believe the certificate of the other, or no token could be had from registry.auth.tokenEndpoint.',
    fix: 'Look at registry.auth and registry.tls, and at the rights of that user. The message has the status, or the reason of TLS.',
  },
  PYR_REGISTRY: {
    cause:
      "registry.url leads to something that does not speak Confluent's interface, to a page that asks for a login, or to the wrong path of a registry that speaks several.",
    fix: "Correct registry.url. `curl <url>/subjects` must answer with a list. Apicurio's interface of this kind ends in /apis/ccompat/v7.",
  },
  PYR_SCHEMA_UNKNOWN: {
    cause:
      'A subject was named that is not registered, or was deleted; or an id of another registry. Registries that follow another one know new schemas a moment later.',
    fix: 'Look at the name: for the values of a topic, most producers register `<topic>-value`. Look at registry.url: an id counts in one registry only.',
  },
  PYR_SCHEMA_REFUSED: {
    cause:
      'The schema has a rule set, of which values are encrypted or migrated, it is of a format that cannot be pulled, or it is none by the specification of its format; or a JSON Schema says what is not checked here; or its id, which published values name, is that of another schema in the registry of this process.',
    fix: 'The message names the subject or the topic, and the place. Nothing was written. Where the id is wrong, pull the schema from that registry; the values of any other such topic can be read with a decoder of your own only.',
  },
  PYR_TRAFFIC: {
    cause:
      'The generator that `pyrallel dev --traffic` takes its records from threw, or gave something that cannot be sent. The message tells which record it was.',
    fix: 'Yield objects with a topic and a value: yield { topic: "orders", key: "c1", value: { n: 1 } }. DEBUG=1 shows where it threw.',
  },
  PYR_REPLAY_TARGET: {
    cause:
      'A dead letter goes back to the topic that its headers name, and whoever writes records can write headers. Without --to, a replay publishes to topics of generated/manifest.json and to the one in the name `<topic>.<group>.dlq` only.',
    fix: 'Nothing was published. Where the topic is right: `--allow-target <topic>`, once for each. `--to <topic>` sends all of them there; `--at partition/offset` and the other filters leave some out.',
  },
  PYR_USAGE: {
    cause:
      'A verb, an option or an argument of the command line does not exist, or a value of it cannot be used; the exit code is 2.',
    fix: '`pyrallel <verb> --help` shows what can be written, with examples.',
  },
}

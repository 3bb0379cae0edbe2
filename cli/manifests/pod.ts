/** The pod in which a build runs, whoever makes it: a Deployment, a StatefulSet, or the Job that looks at the topics. Pure. */
import { variableOf } from '../../framework/config/option-variables.ts'
import type { AppFacts } from './app-facts.ts'
import { noted, type Yaml, type YamlMap } from './yaml.ts'

const SECRETS = '/run/secrets/kafka'
const DEFAULT_MEMBER_NAME = 'metadata.name'
const zoneLabel = "metadata.labels['topology.kubernetes.io/zone']"

/** `worker`: handles records. `topics-check`: looks whether the topics are there, and ends. */
export type Part = 'worker' | 'topics-check'

/** What selects the pods, and stays the same for ever: a selector cannot be changed. */
export function selectorOf({ name }: AppFacts, part: Part): YamlMap {
  return { 'app.kubernetes.io/name': name, 'app.kubernetes.io/component': part }
}

export function metadataOf(facts: AppFacts, name: string, part: Part): YamlMap {
  return { name, labels: selectorOf(facts, part) }
}

export function configName({ name }: AppFacts): string {
  return `${name}-config`
}

export function secretName({ name }: AppFacts): string {
  return `${name}-kafka`
}

/** @param hasOwnName each pod keeps its name over a restart, and the group knows it by that */
export function podTemplate(facts: AppFacts, part: Part, hasOwnName: boolean): YamlMap {
  return { metadata: { labels: selectorOf(facts, part) }, spec: podSpec(facts, part, hasOwnName) }
}

function podSpec(facts: AppFacts, part: Part, hasOwnName: boolean): YamlMap {
  const { name, graceSeconds } = facts
  const isWorker = part === 'worker'
  return {
    serviceAccountName: name,
    automountServiceAccountToken: false,
    enableServiceLinks: noted(
      'Else each Service of the namespace sets variables in here, and one named pyrallel-… would look like options.',
      false,
    ),
    restartPolicy: isWorker ? undefined : 'Never',
    terminationGracePeriodSeconds: isWorker
      ? noted(
          'shutdown.drain, and the bounds of all that comes after it. Shorter: what is in flight is cut off, and runs again.',
          graceSeconds,
        )
      : undefined,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 1_000,
      runAsGroup: 1_000,
      fsGroup: 1_000,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    topologySpreadConstraints: isWorker
      ? noted('Where there is a choice, a node that fails takes few of them along.', [
          {
            maxSkew: 1,
            topologyKey: 'kubernetes.io/hostname',
            whenUnsatisfiable: 'ScheduleAnyway',
            labelSelector: { matchLabels: selectorOf(facts, part) },
          },
        ])
      : undefined,
    containers: [container(facts, part, hasOwnName)],
    volumes: [
      noted('Node and packages may want to write there; nothing else can be written to.', {
        name: 'tmp',
        emptyDir: { sizeLimit: '64Mi' },
      }),
      ...(hasSecretFiles(facts)
        ? [{ name: 'kafka', secret: { secretName: secretName(facts), defaultMode: noted('0440', 288) } }]
        : []),
    ],
  }
}

/** It loads the handlers, and asks one question. */
const ofCheck = { heapMiB: 128, memoryMiB: 256, cpuMillis: 100 }

function container(facts: AppFacts, part: Part, hasOwnName: boolean): YamlMap {
  const { image, port, resources } = facts
  const isWorker = part === 'worker'
  const { heapMiB, memoryMiB, cpuMillis } = isWorker ? resources : ofCheck
  return {
    name: 'app',
    image,
    command: noted('Node itself, and no shell or npm around it: it must get SIGTERM.', [
      'node',
      `--max-old-space-size=${heapMiB}`,
      'server.mjs',
      ...(isWorker ? [] : ['--check']),
    ]),
    envFrom: [{ configMapRef: { name: configName(facts) } }],
    env: environment(facts, hasOwnName),
    ports: isWorker ? [{ name: 'http', containerPort: port }] : undefined,
    ...(isWorker ? probes() : {}),
    resources: {
      requests: {
        cpu: `${cpuMillis}m`,
        memory: isWorker ? noted(memoryNote(facts), `${memoryMiB}Mi`) : `${memoryMiB}Mi`,
      },
      limits: noted(
        'No limit of the CPU: a process that is held back sends its heartbeats late, and loses its partitions.',
        { memory: `${memoryMiB}Mi` },
      ),
    },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: 'tmp', mountPath: '/tmp' },
      ...(hasSecretFiles(facts) ? [{ name: 'kafka', mountPath: SECRETS, readOnly: true }] : []),
    ],
  }
}

function memoryNote({ groups, resources }: AppFacts): string {
  const parts = [
    `heap (${resources.heapMiB} MiB, as in the command above)`,
    `64 MiB for ${groups.length === 1 ? 'the group' : `each of ${groups.length} groups`}`,
    `limits.maxBytes ${groups.length === 1 ? '' : 'of each '}`.trim(),
    ...(resources.cpuMillis > 250 ? ['64 MiB for each thread'] : []),
  ]
  const unsized = resources.unsized.length === 0 ? '' : `\n${unsizedNote(resources.unsized)}`
  return `${parts.join(' + ')}. Request and limit are the same, so that the node has it when it is needed.${unsized}`
}

function unsizedNote(ids: readonly string[]): string {
  return `${ids.join(', ')}: as many threads as the node has cores, of which 4 are counted here. Set worker.threads.`
}

function probes(): YamlMap {
  const get = (path: string) => ({ httpGet: { path, port: 'http' }, timeoutSeconds: 5 })
  return {
    livenessProbe: noted(
      'Stays well while it drains and while brokers do not answer: a restart would help neither. No record makes it fail.',
      { ...get('/livez'), periodSeconds: 10, failureThreshold: 6 },
    ),
    readinessProbe: noted(
      'Ready: the group has given it partitions, or others have them all. A rollout waits for that.',
      {
        ...get('/readyz'),
        periodSeconds: 5,
        failureThreshold: 2,
      },
    ),
  }
}

function environment(facts: AppFacts, hasOwnName: boolean): readonly Yaml[] {
  const { credentials, hasRack } = facts
  const member: Yaml = {
    name: variableOf('kafka.instanceId'),
    valueFrom: { fieldRef: { fieldPath: DEFAULT_MEMBER_NAME } },
  }
  const rack: Yaml = {
    name: variableOf('kafka.rack'),
    valueFrom: { fieldRef: { fieldPath: zoneLabel } },
  }
  return [
    ...(hasOwnName
      ? [noted('The static name of this member: its partitions wait for it over a restart.', member)]
      : []),
    ...(hasRack
      ? [
          noted(
            'The zone of the node, which pods know from Kubernetes 1.35 on. Before that it is empty, and kafka.rack of the config counts.',
            rack,
          ),
        ]
      : []),
    ...credentials.secret.map(({ key, by }) =>
      by.kind === 'file'
        ? { name: by.variable, value: `${SECRETS}/${key}` }
        : { name: key, valueFrom: { secretKeyRef: { name: secretName(facts), key } } },
    ),
  ]
}

function hasSecretFiles({ credentials }: AppFacts): boolean {
  return credentials.secret.some(({ by }) => by.kind === 'file')
}

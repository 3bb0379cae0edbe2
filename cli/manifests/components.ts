/** What not every cluster has: each a kustomize component, for an overlay to take. Their kinds would fail a plain apply of the base. Pure. */
import type { AppFacts } from './app-facts.ts'
import { kedaFiles } from './keda.ts'
import type { ManifestFile } from './manifest-file.ts'
import { metadataOf, selectorOf } from './pod.ts'
import { allowFrom, MOST_PROCESSES, mostReplicas } from './scaling.ts'
import { statefulSet } from './workloads.ts'
import { noted, yamlDocument } from './yaml.ts'

export function components(facts: AppFacts): readonly ManifestFile[] {
  const ofMetrics = facts.hasMetrics ? component(facts, 'prometheus-operator', prometheusFiles(facts)) : []
  // Members with names of their own are a fixed number: nothing scales them.
  if (facts.isStatic) return ofMetrics
  return [
    ...component(facts, 'hpa', { 'hpa.yaml': horizontalPodAutoscaler(facts) }),
    ...component(facts, 'keda', kedaFiles(facts)),
    ...ofMetrics,
    ...component(
      facts,
      'static-members',
      { 'stateful-set.yaml': statefulSet(facts) },
      { 'deployment.yaml': noDeployment(facts) },
    ),
  ]
}

/** @param patches of what the base has */
function component(
  { name: app, namespace }: AppFacts,
  name: string,
  resources: Readonly<Record<string, string>>,
  patches: Readonly<Record<string, string>> = {},
): readonly ManifestFile[] {
  const paths = Object.keys(patches)
  const kustomization = yamlDocument(
    `Made by \`pyrallel build --target kubernetes\`. In an overlay:\n  components: [path/to/components/${name}]`,
    {
      apiVersion: 'kustomize.config.k8s.io/v1alpha1',
      kind: 'Component',
      namespace,
      resources: Object.keys(resources),
      patches:
        paths.length === 0 ? undefined : paths.map((path) => ({ path, target: { kind: 'Deployment', name: app } })),
    },
  )
  return Object.entries({ 'kustomization.yaml': kustomization, ...resources, ...patches }).map(([file, content]) => ({
    path: `components/${name}/${file}`,
    content,
  }))
}

function horizontalPodAutoscaler(facts: AppFacts): string {
  return yamlDocument(
    'For clusters without KEDA. It reads the CPU alone: right for handlers that compute, blind for those that wait for others, and it knows nothing of lag: with one pod it may sit on a backlog, with ten it may keep idle ones. Where an adapter serves pyrallel_processes_needed as a metric of pods (AverageValue 1), take that instead.',
    {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: metadataOf(facts, facts.name, 'worker'),
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: facts.name },
        minReplicas: 1,
        maxReplicas: mostReplicas(MOST_PROCESSES),
        metrics: [
          {
            type: 'Resource',
            resource: {
              name: 'cpu',
              target: noted('Of what the pod requests.', { type: 'Utilization', averageUtilization: 70 }),
            },
          },
        ],
        behavior: {
          scaleDown: noted('Each change moves partitions, so that the CPU is low and high for seconds.', {
            stabilizationWindowSeconds: 300,
          }),
        },
      },
    },
  )
}

function prometheusFiles(facts: AppFacts): Readonly<Record<string, string>> {
  return {
    'pod-monitor.yaml': yamlDocument(
      'Prometheus asks each pod. For the Prometheus Operator; put the labels here that your Prometheus selects.',
      {
        apiVersion: 'monitoring.coreos.com/v1',
        kind: 'PodMonitor',
        metadata: metadataOf(facts, facts.name, 'worker'),
        spec: {
          selector: { matchLabels: selectorOf(facts, 'worker') },
          podMetricsEndpoints: [{ port: 'http', path: '/metrics', interval: '30s' }],
        },
      },
    ),
    'network-policy.yaml': allowFrom(facts, 'prometheus', 'monitoring'),
  }
}

function noDeployment(facts: AppFacts): string {
  return yamlDocument('The StatefulSet stands in its place.', {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: facts.name },
    $patch: 'delete',
  })
}

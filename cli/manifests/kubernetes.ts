/** The base: what every cluster knows. Plain manifests, in the order in which they are applied. Pure. */
import { variableOf } from '../../framework/config/option-variables.ts'
import type { AppFacts } from './app-facts.ts'
import { components } from './components.ts'
import type { ManifestFile } from './manifest-file.ts'
import { configName, metadataOf, podTemplate, secretName, selectorOf } from './pod.ts'
import { deployment, statefulSet } from './workloads.ts'
import { noted, type YamlMap, yamlDocument } from './yaml.ts'

export function kubernetesFiles(facts: AppFacts): readonly ManifestFile[] {
  return [...baseFiles(facts), ...components(facts)]
}

function baseFiles(facts: AppFacts): readonly ManifestFile[] {
  const documents: Readonly<Record<string, string>> = {
    'service-account.yaml': serviceAccount(facts),
    'config.yaml': configMap(facts),
    'service.yaml': service(facts),
    'network-policy.yaml': networkPolicy(facts),
    'disruption-budget.yaml': disruptionBudget(facts),
    'topics-check.yaml': topicsCheck(facts),
    ...(facts.isStatic ? { 'stateful-set.yaml': statefulSet(facts) } : { 'deployment.yaml': deployment(facts) }),
  }
  const kustomization = yamlDocument(kustomizationNote(facts), {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    namespace: facts.namespace,
    resources: Object.keys(documents),
  })
  return Object.entries({ 'kustomization.yaml': kustomization, ...documents }).map(([file, content]) => ({
    path: `base/${file}`,
    content,
  }))
}

function kustomizationNote(facts: AppFacts): string {
  const { credentials } = facts
  const apply = `Made by \`pyrallel build --target kubernetes\`: changes belong into an overlay, which takes this folder as a resource and what it wants of ../components.\n  kubectl apply -k base`
  if (credentials.secret.length === 0) return apply
  const entries = credentials.secret.map(({ key }) => `--from-file=${key}=PATH`)
  return `${apply}\nBefore that, the Secret that the pods read:\n  kubectl create secret generic ${secretName(facts)} --namespace ${facts.namespace} ${entries.join(' ')}`
}

function serviceAccount(facts: AppFacts): string {
  return yamlDocument('An account of its own, which may do nothing: the pods never ask the API server.', {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: metadataOf(facts, facts.name, 'worker'),
    automountServiceAccountToken: false,
  })
}

function configMap(facts: AppFacts): string {
  const { brokers, hasLoopbackBrokers, port, resources, credentials } = facts
  const text = hasLoopbackBrokers
    ? noted(
        'A pod reaches no broker at a loopback address, and the config has no other: write yours in an overlay.',
        brokers,
      )
    : brokers
  return yamlDocument(
    'What the platform says, over what is in the bundle. Any option may stand here: `pyrallel config --explain` has the names. After a change: kubectl rollout restart.',
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: metadataOf(facts, configName(facts), 'worker'),
      data: {
        [variableOf('kafka.brokers')]: text,
        ...Object.fromEntries(credentials.settings.map(({ key, value }) => [key, value])),
        [variableOf('http.enabled')]: noted('For the probes, for Prometheus and for what scales.', 'true'),
        [variableOf('http.host')]: noted('The kubelet comes from outside of the pod.', '0.0.0.0'),
        [variableOf('http.port')]: String(port),
        UV_THREADPOOL_SIZE:
          resources.uvThreads === undefined
            ? undefined
            : noted(
                'The poll of each group holds one of them, and fs, dns and crypto need some.',
                String(resources.uvThreads),
              ),
      },
    },
  )
}

function service(facts: AppFacts): string {
  return yamlDocument('The addresses of the pods, for what asks each of them. Nobody sends work to it.', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(facts, facts.name, 'worker'),
    spec: {
      clusterIP: 'None',
      publishNotReadyAddresses: noted(
        'A pod that drains, or has no partitions yet, belongs into the sum by which the number of pods is decided.',
        true,
      ),
      selector: selectorOf(facts, 'worker'),
      ports: [{ name: 'http', port: facts.port, targetPort: 'http' }],
    },
  })
}

function networkPolicy(facts: AppFacts): string {
  return yamlDocument(
    'Snapshots hold keys of records, and there is no password: only this namespace reaches the port. The kubelet does in any case. ../components adds who scrapes and scales.',
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: metadataOf(facts, facts.name, 'worker'),
      spec: {
        podSelector: { matchLabels: selectorOf(facts, 'worker') },
        policyTypes: ['Ingress'],
        ingress: [{ from: [{ podSelector: {} }], ports: [{ port: 'http', protocol: 'TCP' }] }],
      },
    },
  )
}

function disruptionBudget(facts: AppFacts): string {
  return yamlDocument('While nodes are drained, one after the other: each that goes moves partitions.', {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadataOf(facts, facts.name, 'worker'),
    spec: { maxUnavailable: 1, selector: { matchLabels: selectorOf(facts, 'worker') } },
  })
}

function topicsCheck(facts: AppFacts): string {
  const { name, version } = facts
  const suffix = version
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/-+$/, '')
    .slice(0, 12)
  const spec: YamlMap = {
    backoffLimit: 2,
    activeDeadlineSeconds: 180,
    ttlSecondsAfterFinished: noted('A Job cannot be changed, so it makes room for that of the next image.', 300),
    template: podTemplate(facts, 'topics-check', false),
  }
  return yamlDocument(
    'Looks whether the topics are there that the handlers need, dead-letter topics included, and ends: 0 when all is well. Pods do not start without them either.\n' +
      `  kubectl wait --for=condition=complete job/${name}-topics-${suffix} --namespace ${facts.namespace} --timeout=180s`,
    {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: metadataOf(facts, `${name}-topics-${suffix}`, 'topics-check'),
      spec,
    },
  )
}

/** Manifests of several apps: what their platforms take, what hangs together in them, and what must not be in them. */
import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { describe, it } from 'node:test'
import { load } from 'js-yaml'
import type { AppFacts } from '../../../../cli/manifests/app-facts.ts'
import { manifests } from '../../../../cli/manifests/manifests.ts'
import { configSchema } from '../../../../framework/config/config.ts'
import { optionVariables } from '../../../../framework/config/option-variables.ts'
import { aHandler, apps, factsOf, secrets } from './apps.ts'
import { misfits } from './schemas.ts'

// biome-ignore lint/suspicious/noExplicitAny: documents are whatever their kind says, and that has been validated.
type Document = any

function documents(facts: AppFacts): ReadonlyMap<string, Document> {
  const files = manifests('kubernetes', facts, '.').filter(({ path }) => path.endsWith('.yaml'))
  return new Map(files.map(({ path, content }) => [path, load(content)]))
}

function workload(facts: AppFacts): Document {
  const all = documents(facts)
  return all.get('base/deployment.yaml') ?? all.get('base/stateful-set.yaml')
}

const container = (document: Document): Document => document.spec.template.spec.containers[0]
const variables = (document: Document) =>
  new Map<string, Document>(container(document).env.map((each: Document) => [each.name, each]))

for (const [what, facts] of Object.entries(apps)) {
  describe(`manifests of an app with ${what}`, () => {
    it('are what Kubernetes, KEDA and the Prometheus Operator take', () => {
      for (const [path, document] of documents(facts)) {
        const { kind } = document
        if (kind === 'Kustomization' || kind === 'Component' || document.$patch !== undefined) continue
        assert.deepEqual(misfits(kind, document), [], path)
      }
    })

    it('name each other as they are named', () => {
      const all = documents(facts)
      for (const [path, { kind, resources, patches = [] }] of all) {
        if (kind !== 'Kustomization' && kind !== 'Component') continue
        const folder = posix.dirname(path)
        const named = [...resources, ...patches.map((patch: Document) => patch.path)].sort()
        const there = [...all.keys()].filter((each) => posix.dirname(each) === folder && each !== path)
        assert.deepEqual(named, there.map((each) => posix.basename(each)).sort(), path)
      }
      const { name } = facts
      const { spec } = workload(facts)
      assert.deepEqual(spec.selector.matchLabels, spec.template.metadata.labels)
      assert.deepEqual(all.get('base/service.yaml').spec.selector, spec.selector.matchLabels)
      assert.deepEqual(all.get('base/disruption-budget.yaml').spec.selector, spec.selector)
      assert.deepEqual(all.get('base/network-policy.yaml').spec.podSelector, spec.selector)
      assert.notDeepEqual(all.get('base/topics-check.yaml').spec.template.metadata.labels, spec.selector.matchLabels)
      assert.equal(all.get('base/config.yaml').metadata.name, `${name}-config`)
      assert.equal(all.get('base/service-account.yaml').metadata.name, spec.template.spec.serviceAccountName)
      const [port] = container(workload(facts)).ports
      assert.deepEqual(
        [String(port.containerPort), port.containerPort],
        [all.get('base/config.yaml').data.PYRALLEL_HTTP_PORT, all.get('base/service.yaml').spec.ports[0].port],
      )
    })

    it('are the same bytes each time', () => {
      for (const target of ['kubernetes', 'compose'] as const) {
        assert.deepEqual(manifests(target, facts, '..'), manifests(target, facts, '..'))
      }
    })

    it('hold no value of a secret, and no authority of a certificate', () => {
      for (const target of ['kubernetes', 'compose'] as const) {
        for (const { path, content } of manifests(target, facts, '..')) {
          for (const secret of [...secrets, 'BEGIN']) assert.ok(!content.includes(secret), `${secret} in ${path}`)
        }
      }
    })

    it('are a file that Docker Compose takes', () => {
      const [file] = manifests('compose', facts, '../dist')
      assert.equal(file?.path, 'compose.yaml')
      assert.deepEqual(misfits('Compose', load(file?.content ?? '')), [])
    })
  })
}

describe('the schemas of platforms', () => {
  it('refuse a field that is misspelled, missing, or of another type, on each platform', () => {
    const facts = apps['several groups'] ?? assert.fail()
    const all = documents(facts)
    const broken = (path: string, change: (document: Document) => void) => {
      const document = structuredClone(all.get(path))
      assert.deepEqual(misfits(document.kind, document), [])
      change(document)
      assert.notDeepEqual(misfits(document.kind, document), [], path)
    }
    broken('base/deployment.yaml', (document) => {
      document.spec.template.spec.containers[0].comand = []
    })
    broken('base/deployment.yaml', (document) => {
      document.spec.template.spec.terminationGracePeriodSeconds = '45s'
    })
    broken('components/hpa/hpa.yaml', (document) => {
      delete document.spec.maxReplicas
    })
    broken('components/keda/scaled-object.yaml', (document) => {
      document.spec.minReplicas = 0
    })
    broken('components/keda/scaled-object.yaml', (document) => {
      document.spec.triggers[0].metadata.targetValue = 1
    })
    broken('components/prometheus-operator/pod-monitor.yaml', (document) => {
      document.spec.endpoints = []
    })
    const compose = load(manifests('compose', facts, '.')[0]?.content ?? '') as Document
    compose.services['my-shop'].stop_grace = '45s'
    assert.notDeepEqual(misfits('Compose', compose), [])
  })
})

describe('variables of manifests', () => {
  it('are those of options, and a secret comes by the one that names a file', () => {
    const options = optionVariables(configSchema)
    const secret = (schema: object) => (schema as { readonly secret?: boolean }).secret === true
    const plain = new Set(options.map(({ variable }) => variable))
    const files = new Set(options.filter(({ schema }) => secret(schema)).map(({ variable }) => `${variable}_FILE`))
    const secrets = new Set(options.filter(({ schema }) => secret(schema)).map(({ variable }) => variable))
    for (const [what, facts] of Object.entries(apps)) {
      const compose = load(manifests('compose', facts, '.')[0]?.content ?? '') as Document
      const names = [
        ...variables(workload(facts)).keys(),
        ...Object.keys(documents(facts).get('base/config.yaml').data),
        ...Object.keys(compose.services['my-shop'].environment),
      ]
      for (const name of names) {
        assert.ok(name === 'UV_THREADPOOL_SIZE' || plain.has(name) || files.has(name), `${name} of ${what}`)
        assert.ok(!secrets.has(name), `${name} of ${what} would be the secret itself`)
      }
    }
  })
})

describe('the pod', () => {
  const facts = factsOf({ group: 'shop', kafka: { brokers: ['k1:9092'] } })

  it('runs Node itself, as nobody, with nothing that it could write to but /tmp', () => {
    const { spec } = workload(facts).spec.template
    const [app] = spec.containers
    assert.equal(app.command[0], 'node')
    assert.equal(app.command.at(-1), 'server.mjs')
    assert.deepEqual(
      [spec.securityContext.runAsNonRoot, spec.securityContext.runAsUser, spec.securityContext.seccompProfile.type],
      [true, 1_000, 'RuntimeDefault'],
    )
    assert.deepEqual(app.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    assert.deepEqual(
      app.volumeMounts.map((each: Document) => each.mountPath),
      ['/tmp'],
    )
    assert.deepEqual([spec.automountServiceAccountToken, spec.enableServiceLinks], [false, false])
  })

  it('may take as long to end as all steps of a shutdown together', () => {
    assert.equal(workload(facts).spec.template.spec.terminationGracePeriodSeconds, 45)
    const long = apps['a long drain'] ?? assert.fail()
    assert.equal(workload(long).spec.template.spec.terminationGracePeriodSeconds, 135)
    const { services } = load(manifests('compose', long, '.')[0]?.content ?? '') as Document
    assert.equal(services['my-shop'].stop_grace_period, '135s')
  })

  it('is one of as many as something else says, and each goes before another comes', () => {
    const { spec } = workload(facts)
    assert.equal(spec.replicas, undefined)
    assert.deepEqual(spec.strategy.rollingUpdate, { maxUnavailable: 1, maxSurge: 0 })
  })

  it('answers the kubelet, whatever the config says of its HTTP', () => {
    const { data } = documents(apps['no metrics, any port'] ?? facts).get('base/config.yaml')
    assert.deepEqual(
      [data.PYRALLEL_HTTP_ENABLED, data.PYRALLEL_HTTP_HOST, data.PYRALLEL_HTTP_PORT],
      ['true', '0.0.0.0', '9464'],
    )
    const app = container(workload(facts))
    assert.deepEqual([app.livenessProbe.httpGet.path, app.readinessProbe.httpGet.path], ['/livez', '/readyz'])
  })

  it('has a thread of libuv for each group that polls, and for four others; the client in JavaScript holds none', () => {
    const threads = (what: string) => documents(apps[what] ?? facts).get('base/config.yaml').data.UV_THREADPOOL_SIZE
    assert.deepEqual(
      [threads('nothing but a group'), threads('several groups'), threads('the client in JavaScript')],
      ['5', '6', undefined],
    )
  })

  it('has memory for its heap, its groups, their records and its threads', () => {
    const sizes = (what: string) => {
      const app = container(workload(apps[what] ?? facts))
      assert.equal(app.resources.limits.memory, app.resources.requests.memory)
      assert.equal(app.resources.limits.cpu, undefined)
      const [, heap] = /=(\d+)$/.exec(app.command[1]) ?? []
      return [Number(heap), app.resources.limits.memory]
    }
    // 256 and 50,000 records of 0.9 KiB; 64 of the group and 64 of limits.maxBytes.
    assert.deepEqual(sizes('nothing but a group'), [304, '432Mi'])
    assert.deepEqual(sizes('several groups'), [272, '528Mi'])
    // Three threads, and a guess of four.
    assert.deepEqual(sizes('threads'), [304, '880Mi'])
  })

  it('gets its secrets as files, by the names of their variables', () => {
    const env = variables(workload(apps['TLS by files'] ?? facts))
    assert.deepEqual(
      [...env.keys()],
      ['PYRALLEL_KAFKA_SECURITY_CA', 'PYRALLEL_KAFKA_SECURITY_CERT', 'PYRALLEL_KAFKA_SECURITY_KEY_FILE'],
    )
    assert.equal(env.get('PYRALLEL_KAFKA_SECURITY_KEY_FILE').value, '/run/secrets/kafka/PYRALLEL_KAFKA_SECURITY_KEY')
    const { volumes } = workload(apps['TLS by files'] ?? facts).spec.template.spec
    assert.equal(volumes[1].secret.secretName, 'my-shop-kafka')
  })

  it('has a name that stays where the config has a static one, and the zone of its node where it has a rack', () => {
    const stateful = workload(apps['static names'] ?? facts)
    assert.equal(stateful.kind, 'StatefulSet')
    const env = variables(stateful)
    assert.equal(env.get('PYRALLEL_KAFKA_INSTANCE_ID').valueFrom.fieldRef.fieldPath, 'metadata.name')
    assert.match(env.get('PYRALLEL_KAFKA_RACK').valueFrom.fieldRef.fieldPath, /topology\.kubernetes\.io\/zone/)
    assert.deepEqual(
      [...documents(apps['static names'] ?? facts).keys()].filter((path) => /keda|hpa|static-members/.test(path)),
      [],
    )
  })
})

describe('what scales', () => {
  it('asks each pod for what it needs, and wakes the first by the lag of every topic', () => {
    const facts = apps['several groups'] ?? assert.fail()
    const { spec } = documents(facts).get('components/keda/scaled-object.yaml')
    const [needed, ...waking] = spec.triggers
    assert.deepEqual([needed.type, needed.metricType, spec.fallback], ['metrics-api', 'AverageValue', undefined])
    assert.deepEqual(needed.metadata, {
      targetValue: '1',
      valueLocation: 'processesNeeded',
      url: 'http://my-shop.default:9464/scale',
      aggregateFromKubeServiceEndpoints: 'true',
      aggregationType: 'sum',
    })
    assert.deepEqual(
      waking.map(({ type, metadata }: Document) => [type, metadata.consumerGroup, metadata.topic]),
      [
        ['kafka', 'shop', 'orders'],
        ['kafka', 'audit', 'orders'],
        ['kafka', 'shop', 'stock'],
      ],
    )
    assert.deepEqual(
      [
        waking[0].metadata.lagThreshold,
        waking[0].metadata.activationLagThreshold,
        waking[0].metadata.offsetResetPolicy,
      ],
      ['1000000000', '0', 'latest'],
    )
    assert.equal(documents(facts).get('base/service.yaml').spec.publishNotReadyAddresses, true)
  })

  it('is asked for the namespace that was named', () => {
    const all = documents(factsOf({ group: 'shop' }, { namespace: 'prod' }))
    assert.match(
      all.get('components/keda/scaled-object.yaml').spec.triggers[0].metadata.url,
      /^http:\/\/my-shop\.prod:/,
    )
    for (const [path, { kind, namespace }] of all) {
      if (kind === 'Kustomization' || kind === 'Component') assert.equal(namespace, 'prod', path)
    }
  })

  it('logs in to the brokers as the pods do', () => {
    const { spec } = documents(apps['tokens, of which the file says all'] ?? assert.fail()).get(
      'components/keda/trigger-authentication.yaml',
    )
    assert.deepEqual(
      [...spec.env, ...spec.secretTargetRef].map(({ parameter }: Document) => parameter),
      ['username', 'oauthTokenEndpointUri', 'password'],
    )
  })

  it('says what of the bundle it needs, too', () => {
    const text = (what: string) =>
      manifests('kubernetes', apps[what] ?? assert.fail(), '.').find(({ path }) => path.endsWith('scaled-object.yaml'))
        ?.content ?? ''
    assert.match(text('TLS by texts, and SCRAM'), /The config has ca as text/)
    assert.match(text('secrets in the file'), /The config has cert as text/)
    assert.doesNotMatch(text('TLS by files'), /as text/)
  })

  it('has no scrape to offer where there are no metrics', () => {
    const paths = [...documents(apps['no metrics, any port'] ?? assert.fail()).keys()]
    assert.ok(paths.every((path) => !path.includes('prometheus')))
  })
})

describe('names', () => {
  it('are those of the package, as labels can be, and the image is it in its version', () => {
    const named = (name: string, version = '1.0.0') => factsOf({ group: 'g' }, { own: { name, version } })
    assert.deepEqual([named('@a/Big.Shop_2').name, named('99').name], ['big-shop-2', 'pyrallel-service'])
    assert.equal(named('x'.repeat(80)).name.length, 40)
    assert.equal(named('shop', '1.0.0+build.5').image, 'shop:1.0.0-build.5')
  })

  it('are left out where a pattern stands for topics: any lag of the group wakes the first process', () => {
    const handlers = [aHandler('orders'), aHandler('/^a/', { id: 'a' }), aHandler('/^b/', { id: 'b' })]
    const { spec } = documents(factsOf({ group: 'g' }, { handlers })).get('components/keda/scaled-object.yaml')
    const kafka = spec.triggers.filter(({ type }: { readonly type: string }) => type === 'kafka')
    assert.deepEqual(
      kafka.map(({ metadata }: { readonly metadata: { readonly topic?: string } }) => metadata.topic),
      ['orders', undefined],
    )
  })

  it('fit where a topic is read by many', () => {
    const handlers = [aHandler('orders'), aHandler('orders', { id: 'again' })]
    const { spec } = documents(factsOf({ group: 'g' }, { handlers })).get('components/keda/scaled-object.yaml')
    assert.equal(spec.triggers.length, 2)
  })
})

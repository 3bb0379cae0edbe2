/** The dashboard, the metrics of docs/operating.md, docker-compose.yml, and what it brings to Prometheus and Grafana: they fit each other and the real metrics page. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { load } from 'js-yaml'
import { configDefaults } from '../../framework/config/resolve-config.ts'
import { clientErrorCodes } from '../../framework/model/events.ts'
import { PrometheusMetrics } from '../../framework/observability/prometheus.ts'
import { aGroup, aHandlerState, aSystem } from '../unit/observability/snapshots.ts'
import { observe, produce, until } from './observed-runtime.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFileSync(`${root}/${path}`, 'utf8')
const yaml = <T>(path: string) => load(read(path)) as T

interface Service {
  readonly image: string
  readonly ports?: readonly string[]
  readonly environment?: Readonly<Record<string, string | number>>
  readonly volumes?: readonly string[]
  readonly depends_on?: readonly string[]
}

interface Dashboard {
  readonly panels: readonly {
    readonly title: string
    readonly type: string
    readonly description?: string
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
  }[]
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: { readonly query: string } }[]
  }
}

const dashboard = JSON.parse(read('templates/observability/grafana/dashboards/pyrallel.json')) as Dashboard
const targets = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target })))

type Labels = ReadonlyMap<string, ReadonlySet<string>>

/** Each metric of a page with its labels. */
function labelsOn(page: string): Labels {
  const labels = new Map<string, Set<string>>()
  for (const [, name = ''] of page.matchAll(/^# TYPE (\S+)/gm)) labels.set(name, new Set())
  for (const [, name = '', inside = ''] of page.matchAll(/^(\w+)(?:\{(.*)\})? /gm)) {
    labels.set(name, new Set([...inside.matchAll(/(\w+)="/g)].map(([, label = '']) => label)))
  }
  return labels
}

/** The page of one runtime, with a record that blocks, gaps above it, one that failed, and a limit that moves. */
async function realPage(): Promise<Labels> {
  let text = ''
  let release = () => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  const run = async ({ key, attempt }: { readonly key: string | null; readonly attempt: number }) => {
    if (key === 'slow') await gate
    if (key === 'flaky' && attempt === 1) throw new Error('once')
  }
  const options = { adaptive: { enabled: true } }
  await observe({ run, options }, async ({ cluster, runtime, url }) => {
    for (const key of ['slow', 'fast', 'flaky']) produce(cluster, key, {})
    await until(runtime, ({ groups }) => groups[0]?.partitions[0]?.gaps.offsets === 2)
    text = await (await fetch(`${url()}/metrics`)).text()
    release()
  })
  return new Map([...labelsOn(text), ...(await threadsPage())])
}

/** What only handlers on threads have. */
async function threadsPage(): Promise<Labels> {
  const threads = { running: 2, restarts: 1, batches: 9, boundaryMs: 4 }
  const system = aSystem({ groups: [aGroup({ handlers: [aHandlerState({ threads })] })] })
  const metrics = await PrometheusMetrics.create(() => system, [])
  try {
    const { text } = await metrics.page()
    return new Map([...labelsOn(text)].filter(([name]) => name.startsWith('pyrallel_engine_')))
  } finally {
    metrics.close()
  }
}

/** Labels that Prometheus adds to whatever it reads. */
const added = ['instance', 'job']
const words = ['sum', 'max', 'rate', 'increase', 'histogram_quantile', 'by']

/** What is wrong with a query, given the metrics and labels that there are. */
function mistakesIn(expr: string, page: Labels): string[] {
  const mistakes: string[] = []
  const known = new Set(added)
  const selectors = [...expr.matchAll(/\b(pyrallel_\w+)(?:\{([^}]*)\})?/g)]
  if (selectors.length === 0) mistakes.push('it names no metric')
  for (const [, name = '', inside = ''] of selectors) {
    const labels = page.get(name)
    if (labels === undefined) mistakes.push(`there is no metric ${name}`)
    for (const label of labels ?? []) known.add(label)
    for (const [, label = ''] of inside.matchAll(/(\w+)(?:=~|!=|=)"/g)) {
      if (!labels?.has(label)) mistakes.push(`${name} has no label ${label}`)
    }
  }
  const rest = expr.replaceAll(/\bpyrallel_\w+(\{[^}]*\})?/g, '').replaceAll(/\[[^\]]*\]/g, '')
  for (const [word] of rest.matchAll(/[a-z_]\w*/g)) {
    if (!words.includes(word) && !known.has(word)) mistakes.push(`what is ${word}?`)
  }
  return mistakes
}

describe('the dashboard', () => {
  it('asks only for metrics and labels that the metrics page of a runtime has', async () => {
    const page = await realPage()
    assert.ok(page.size > 30)
    for (const { title, expr, legendFormat } of targets) {
      assert.deepEqual(mistakesIn(expr, page), [], `${title}: ${expr}`)
      const grouped = /by \(([^)]*)\)/.exec(expr)?.[1]?.split(', ') ?? []
      for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
        assert.ok(grouped.includes(label), `${title}: the legend shows ${label}, which the query has not kept`)
      }
    }
    for (const { name, query } of dashboard.templating.list) {
      const [, metric = '', inside = '', label = ''] =
        /^label_values\((\w+)(?:\{([^}]*)\})?, (\w+)\)$/.exec(query.query) ?? assert.fail(query.query)
      assert.ok(page.get(metric)?.has(label), `${name}: ${query.query}`)
      assert.deepEqual(mistakesIn(`${metric}{${inside}}`, page), [])
    }
  })

  it('would notice a metric, a label or a word that there is not', () => {
    const page = new Map([['pyrallel_a_total', new Set(['group'])]])
    assert.deepEqual(mistakesIn('sum by (group) (rate(pyrallel_a_total{group=~"$group"}[1m]))', page), [])
    assert.deepEqual(mistakesIn('pyrallel_b', page), ['there is no metric pyrallel_b'])
    assert.deepEqual(mistakesIn('pyrallel_a_total{topic="x"}', page), ['pyrallel_a_total has no label topic'])
    assert.deepEqual(mistakesIn('sum by (topic) (pyrallel_a_total)', page), ['what is topic?'])
    assert.deepEqual(mistakesIn('up', page), ['it names no metric', 'what is up?'])
  })

  it('has a panel for everything that an operator must see, and says of each what it means', () => {
    const titles = dashboard.panels.map(({ title }) => title).join('\n')
    for (const subject of [
      ...['Records by outcome', 'Duration', 'True lag', 'Gaps', 'Blocking offset', 'In flight against the limit'],
      ...['Retries', 'Dead letters', 'Rebalances', 'Pauses', 'Restarts of threads'],
      ...['Adaptive limit and rate', 'Paused by hand', 'Poisoned keys'],
      ...['Errors of the Kafka client', 'Metadata not believed'],
      ...['Backlog', 'Processes needed', 'Arrivals and completions'],
    ]) {
      assert.match(titles, new RegExp(subject))
    }
    for (const { type, title, description = '' } of dashboard.panels) {
      if (type !== 'row') assert.match(description, /\.$/, title)
    }
  })
})

describe('docs/operating.md', () => {
  it('names only metrics that the metrics page of a runtime has', async () => {
    const page = await realPage()
    const named = new Set([...read('docs/operating.md').matchAll(/`(pyrallel_\w+)/g)].map(([, name = '']) => name))
    // With nothing behind it, it is the beginning that all have.
    named.delete('pyrallel_')
    assert.ok(named.size >= 7)
    assert.deepEqual(
      [...named].filter((name) => !page.has(name)),
      [],
    )
  })

  it('names every code by which errors of the client are counted', () => {
    for (const code of clientErrorCodes) assert.ok(read('docs/operating.md').includes(`\`${code}\``), code)
  })
})

describe('docker-compose.yml of the package', () => {
  it('is that of this repository, for the folder in which it is', () => {
    const here = read('docker-compose.yml').replaceAll('./templates/observability/', './')
    const ofPackage = read('templates/observability/docker-compose.yml')
    const [, body = assert.fail('it has no name')] = here.split(/^(?=name: )/m)
    assert.equal(ofPackage.split(/^(?=name: )/m)[1], body)
  })

  it('mounts only files that are beside it, and is where docs/operating.md says', () => {
    const { services } = yaml<{ services: Record<string, Service> }>('templates/observability/docker-compose.yml')
    const files = Object.values(services)
      .flatMap(({ volumes = [] }) => volumes.map((volume) => volume.split(':')[0] ?? ''))
      .filter((from) => from.startsWith('.'))
    assert.equal(files.length, 3)
    for (const file of files) assert.ok(existsSync(`${root}/templates/observability/${file}`), file)
    const { files: shipped } = JSON.parse(read('package.json')) as { readonly files: readonly string[] }
    assert.ok(shipped.includes('templates'))
    const path = 'node_modules/pyrallel/templates/observability/docker-compose.yml'
    assert.ok(read('docs/operating.md').includes(`docker compose -f ${path} up`))
  })
})

describe('docker-compose.yml', () => {
  const { services, volumes } = yaml<{ services: Record<string, Service>; volumes: Record<string, null> }>(
    'docker-compose.yml',
  )

  it('brings Kafka, Prometheus and Grafana in versions that are written down', () => {
    assert.deepEqual(Object.keys(services), ['kafka', 'prometheus', 'grafana'])
    for (const { image } of Object.values(services)) assert.match(image, /^[\w/]+:v?\d+\.\d+\.\d+$/)
  })

  it('opens ports on loopback only', () => {
    const ports = Object.values(services).flatMap(({ ports = [] }) => ports)
    assert.equal(ports.length, 3)
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/)
  })

  it('offers Kafka where the config looks for it by default', () => {
    const [advertised] = String(services.kafka?.environment?.KAFKA_ADVERTISED_LISTENERS).split(',')
    assert.deepEqual([advertised?.replace('HOST://', '')], configDefaults.kafka.brokers)
    assert.ok(services.kafka?.ports?.includes(`${configDefaults.kafka.brokers[0]}:9092`))
  })

  it('runs Kafka without ZooKeeper, with a listener and a protocol for every name', () => {
    const { environment = {} } = services.kafka ?? {}
    assert.equal(environment.KAFKA_PROCESS_ROLES, 'broker,controller')
    const names = (key: string, separator: string) =>
      String(environment[key])
        .split(',')
        .map((each) => each.split(separator)[0])
        .sort()
    assert.deepEqual(names('KAFKA_LISTENERS', ':'), names('KAFKA_LISTENER_SECURITY_PROTOCOL_MAP', ':'))
    assert.ok(names('KAFKA_LISTENERS', ':').includes(String(environment.KAFKA_INTER_BROKER_LISTENER_NAME)))
  })

  it('mounts only files and volumes that there are', () => {
    for (const volume of Object.values(services).flatMap((service) => service.volumes ?? [])) {
      const [from = ''] = volume.split(':')
      assert.ok(from.startsWith('./') ? existsSync(`${root}/${from}`) : from in volumes, volume)
    }
  })

  it('lets Prometheus read the port at which a process answers by default', () => {
    const { scrape_configs } = yaml<{
      scrape_configs: readonly { readonly static_configs: readonly { readonly targets: readonly string[] }[] }[]
    }>('templates/observability/prometheus.yml')
    const [{ targets: [target] = [] } = {}] = scrape_configs[0]?.static_configs ?? []
    assert.equal(target, `host.docker.internal:${configDefaults.http.port}`)
  })

  it('tells Grafana where Prometheus and the dashboards are', () => {
    const provisioning = 'templates/observability/grafana/provisioning'
    const { datasources } = yaml<{ datasources: readonly { readonly uid: string; readonly url: string }[] }>(
      `${provisioning}/datasources/prometheus.yml`,
    )
    assert.equal(datasources[0]?.url, 'http://prometheus:9090')
    const used = new Set(
      [...read('templates/observability/grafana/dashboards/pyrallel.json').matchAll(/"uid": "(\w+)"/g)].map(
        ([, uid]) => uid,
      ),
    )
    assert.deepEqual([...used].sort(), ['prometheus', 'pyrallel'])
    assert.equal(datasources[0]?.uid, 'prometheus')
    const { providers } = yaml<{ providers: readonly { readonly options: { readonly path: string } }[] }>(
      `${provisioning}/dashboards/pyrallel.yml`,
    )
    const path = providers[0]?.options.path ?? ''
    const mounted = services.grafana?.volumes?.find((volume) => volume.includes(`:${path}:`))
    const [folder = ''] = mounted?.split(':') ?? []
    assert.deepEqual(readdirSync(`${root}/${folder}`), ['pyrallel.json'])
    assert.equal(services.grafana?.environment?.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH, `${path}/pyrallel.json`)
  })
})

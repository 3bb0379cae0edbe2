/** `pyrallel build --target`: which flags go together, and what `--check` says of a folder that is committed. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { main } from '../../../../cli/main.ts'
import { readFileConfig } from '../../../../cli/project/file-config.ts'
import { manifestRequest, renderedManifests, writeApart } from '../../../../cli/verbs/build-manifests.ts'
import { aHandler } from '../manifests/apps.ts'
import { projectFolder, testIo } from '../test-io.ts'

const files = {
  'package.json': '{ "name": "shop", "version": "1.0.0", "type": "module" }',
  'pyrallel.config.ts': `export default { group: 'shop', kafka: { brokers: [process.env.BROKER ?? 'k1:9092'] } }\n`,
  'handlers/pay.ts': "import { handler } from 'pyrallel'\nexport default handler('orders', () => {})\n",
  '.env': 'BROKER=of-dotenv:9092\nPYRALLEL_GROUP=of-dotenv\n',
}

async function build(root: string, ...flags: readonly string[]) {
  const io = testIo(root)
  const code = await main(['build', ...flags], io)
  return { code, out: io.out(), err: io.err() }
}

describe('flags of manifests', () => {
  for (const [flags, said] of [
    [['--manifests', 'deploy'], /--manifests is about manifests, and no --target says which/],
    [['--check'], /--check is about manifests, and no --target/],
    [['--namespace', 'a'], /--namespace is about manifests/],
    [['--image', 'a:1'], /--image is about manifests/],
    [['--target', 'kubernetes', '--check'], /--check compares what is committed, and --manifests names no folder/],
    [['--target', 'compose', '--namespace', 'a'], /--namespace is of Kubernetes, and --target is 'compose'/],
    [['--target', 'kubernetes', '--namespace', 'A_b'], /--namespace is 'A_b'\. A namespace has up to 63 small letters/],
    [
      ['--target', 'kubernetes', '--manifests', 'dist/k'],
      /--manifests is 'dist\/k', which is in the build's own folder/,
    ],
    [['--target', 'kubernetes', '--image', 'a b'], /--image is 'a b', which is no reference of an image/],
    [['--target', 'nomad'], /nomad[\s\S]*kubernetes, compose/],
  ] as const) {
    it(`${flags.join(' ')} is refused, with what to write`, async () => {
      const { code, err } = await build(projectFolder(files), ...flags)
      assert.equal(code, 2, err)
      assert.match(err, said)
    })
  }
})

describe('build --check', { timeout: 60_000 }, () => {
  const flags = ['--target', 'kubernetes', '--manifests', 'deploy'] as const

  it('exits with 3 until the folder has what the config says, shows the difference, and builds nothing', async () => {
    const root = projectFolder(files)
    const missing = await build(root, ...flags, '--check')
    assert.deepEqual([missing.code, missing.err], [3, ''])
    assert.equal(
      missing.out,
      'deploy/ is missing. Run `pyrallel build --target kubernetes --manifests deploy` and commit deploy/.\n',
    )
    const request = manifestRequest(root, { out: 'dist', target: 'kubernetes', manifests: 'deploy' })
    assert.ok(request !== undefined)
    const {
      files: made,
      image,
      notes,
    } = await renderedManifests(request, await readFileConfig(root), [aHandler('orders', { id: 'pay' })])
    writeApart(request, made)
    assert.deepEqual([image, notes], ['shop:1.0.0', []])
    assert.deepEqual(await build(root, ...flags, '--check'), { code: 0, out: 'deploy/ is up to date\n', err: '' })

    // By hand, as of another config, and gone.
    const config = join(root, 'deploy/base/config.yaml')
    writeFileSync(config, readFileSync(config, 'utf8').replace('k1:9092', 'k9:9092'))
    writeFileSync(join(root, 'deploy/base/stateful-set.yaml'), 'kind: StatefulSet\n')
    rmSync(join(root, 'deploy/rights.sh'))
    const stale = await build(root, ...flags, '--check')
    assert.equal(stale.code, 3)
    assert.match(stale.out, /- {3}PYRALLEL_KAFKA_BROKERS: "k9:9092"\n\+ {3}PYRALLEL_KAFKA_BROKERS: "k1:9092"/)
    assert.match(stale.out, /deploy\/base\/stateful-set\.yaml is not needed any more/)
    assert.match(stale.out, /deploy\/rights\.sh is missing/)
    const json = await build(root, ...flags, '--check', '--json')
    assert.deepEqual(JSON.parse(json.out), { stale: ['base/config.yaml', 'rights.sh', 'base/stateful-set.yaml'] })
    assert.equal(existsSync(join(root, 'dist')), false)

    // What is somebody else's stays.
    writeFileSync(join(root, 'deploy/mine.yaml'), '')
    writeApart(request, made)
    assert.equal((await build(root, ...flags, '--check')).code, 0)
    assert.deepEqual(
      [existsSync(join(root, 'deploy/base/stateful-set.yaml')), existsSync(join(root, 'deploy/mine.yaml'))],
      [false, true],
    )
  })

  it('says that a config cannot do without its variables, and what to do', async () => {
    const root = projectFolder({
      ...files,
      'pyrallel.config.ts': "export default { group: 'shop', kafka: { brokers: process.env.BROKER.split(',') } }\n",
    })
    const { code, err } = await build(root, ...flags, '--check')
    assert.equal(code, 1)
    assert.match(err, /PYR_CONFIG_LOAD[\s\S]*Manifests are made from the file alone[\s\S]*process\.env a default/)
  })
})

describe('the config of its file alone', { timeout: 30_000 }, () => {
  it('has nothing of the environment, nor of .env files, and counts for production', async (t) => {
    const root = projectFolder({
      ...files,
      'pyrallel.config.ts': `console.log('noise')
export default {
  group: 'shop',
  kafka: { brokers: [process.env.BROKER ?? 'k1:9092'] },
  production: { kafka: { rack: process.env.PYRALLEL_MODE ?? 'a' } },
}
`,
    })
    process.env.BROKER = 'of-process:9092'
    process.env.PYRALLEL_KAFKA_RACK = 'of-process'
    t.after(() => {
      delete process.env.BROKER
      delete process.env.PYRALLEL_KAFKA_RACK
    })
    const { config, written, declaredGroup } = await readFileConfig(root)
    assert.deepEqual(
      [config.kafka.brokers, config.kafka.rack, config.group, declaredGroup],
      [['k1:9092'], 'a', 'shop', 'shop'],
    )
    assert.deepEqual([...written].sort(), ['group', 'kafka.brokers', 'kafka.rack'])
  })

  it('is not read when its process ends', async () => {
    const root = projectFolder({ ...files, 'pyrallel.config.ts': 'process.exit(7)\nexport default {}\n' })
    await assert.rejects(readFileConfig(root), { code: 'PYR_CONFIG_LOAD', message: /its process ended \(7\)/ })
  })
})

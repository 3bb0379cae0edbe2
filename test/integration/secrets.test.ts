/** Secrets of the config in nothing that Pyrallel says or writes: each output that could hold them is searched for their values. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { aProject, command } from './command-process.ts'

const secrets = {
  PYRALLEL_KAFKA_SECURITY_SASL_PASSWORD: 'pw-5f2a91',
  PYRALLEL_KAFKA_SECURITY_KEY_PASSPHRASE: 'phrase-77ab',
  PYRALLEL_KAFKA_SECURITY_KEY: '-----BEGIN PRIVATE KEY-----\\nMIIkeybytes\\n-----END PRIVATE KEY-----',
}
const values = ['pw-5f2a91', 'phrase-77ab', 'MIIkeybytes', 'lib-secret-31', 's3cr3t']
const files = {
  'package.json': '{ "name": "vault", "version": "1.0.0", "type": "module" }',
  '.env': `${Object.entries(secrets)
    .map(([name, value]) => `${name}="${value}"`)
    .join('\n')}\nLIBRDKAFKA_SECRET=lib-secret-31\n`,
  'pyrallel.config.ts': `import { defineConfig } from 'pyrallel'
export default defineConfig({
  group: 'vault',
  logging: { level: 'debug', pretty: false },
  kafka: {
    brokers: [process.env.BROKERS ?? '127.0.0.1:9'],
    security: { tls: true, cert: '-----BEGIN CERTIFICATE-----\\nMIIpublic\\n-----END CERTIFICATE-----', sasl: { mechanism: 'PLAIN', username: 'alice' } },
  },
})
`,
  'handlers/pay.ts': "import { handler } from 'pyrallel'\nexport default handler('orders', () => {})\n",
}

/** Takes connections and closes them: neither Kafka nor TLS. */
const nobody = createServer((_request, response) => response.end())
await new Promise<void>((resolve) => nobody.listen(0, '127.0.0.1', resolve))
after(() => nobody.close())
const address = nobody.address()
const brokers = typeof address === 'object' && address !== null ? `127.0.0.1:${address.port}` : ''

function assertSilent(text: string, what: string): void {
  for (const value of values) assert.ok(!text.includes(value), `${value} in ${what}:\n${text}`)
}

const timeout = { timeout: 300_000 }

describe('secrets of the config', timeout, () => {
  const runs: readonly (readonly [what: string, args: readonly string[], says: RegExp])[] = [
    ['config', ['config'], /\(hidden\)/],
    ['config --explain', ['config', '--explain'], /\(hidden\)/],
    ['config --json', ['config', '--json'], /\(hidden\)/],
    ['a failed connection', ['topics'], /PYR_/],
    ['a failed connection, told with its stack', ['topics', '--json'], /PYR_/],
    ['doctor', ['doctor'], /./],
  ]
  for (const [what, args, says] of runs) {
    it(`are not in what ${what} says`, async () => {
      const root = aProject(files)
      const { out, err } = await command(root, args, { env: { BROKERS: brokers, DEBUG: '1' } }).ended
      assert.match(out + err, says)
      assertSilent(out + err, what)
    })
  }

  it('are not in the refusal of a config that is wrong in many ways', async () => {
    const wrong = files['pyrallel.config.ts'].replace(
      "mechanism: 'PLAIN'",
      "mechanism: 'NONE', pasword: process.env.LIBRDKAFKA_SECRET",
    )
    const root = aProject({ ...files, 'pyrallel.config.ts': wrong })
    const { out, err } = await command(root, ['config']).ended
    assert.match(err, /PYR_CONFIG_INVALID/)
    assertSilent(out + err, 'the refusal')
  })

  const wrongSettings: readonly (readonly [what: string, from: string, to: string, env: Record<string, string>])[] = [
    ['a variable that lacks a brace', '', '', { PYRALLEL_KAFKA_LIBRDKAFKA: '{"sasl.password":"s3cr3tA"' }],
    ['a text in the file', 'security:', "librdkafka: 'sasl.password=s3cr3t5', security:", {}],
    ['a broker with a password', "'127.0.0.1:9'", "'alice:s3cr3t7@127.0.0.1:9'", {}],
  ]
  for (const [what, from, to, env] of wrongSettings) {
    it(`are not in the refusal of ${what}`, async () => {
      const root = aProject({ ...files, 'pyrallel.config.ts': files['pyrallel.config.ts'].replace(from, to) })
      const { end, out, err } = await command(root, ['config'], { env }).ended
      assert.equal(end, 1)
      assert.match(
        err,
        /PYR_CONFIG_INVALID\s+.*option kafka\.(librdkafka is a text that is not JSON|brokers is \["\(hidden\)"\]), but must be/,
      )
      assertSilent(out + err, what)
    })
  }

  it('are in no file of a build, nor in what build says', async () => {
    const root = aProject(files)
    const { end, out, err } = await command(root, ['build']).ended
    assert.equal(end, 0, err)
    assertSilent(out + err, 'build')
    const made = readdirSync(join(root, 'dist'), { recursive: true, encoding: 'utf8', withFileTypes: true }).filter(
      (each) => each.isFile(),
    )
    assert.ok(made.length > 3)
    for (const file of made) assertSilent(readFileSync(join(file.parentPath, file.name), 'latin1'), file.name)
  })
})

/** The files that put a bundle into a container. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { describe, it } from 'node:test'
import { distManifest, dockerfile, healthCheck } from '../../../../cli/build/container-files.ts'
import { configDefaults } from '../../../../framework/config/resolve-config.ts'

const http = { ...configDefaults.http, enabled: true }

const standard = { http, graceSeconds: 45 }

/** Runs the check as a container does, with this Node in the place of its own. */
function check(command: readonly string[]): Promise<number | null> {
  const child = spawn(process.execPath, command.slice(1), { stdio: 'ignore' })
  return new Promise((resolve) => child.once('exit', resolve))
}

describe('the health check', () => {
  it('asks /livez, and believes its answer', async () => {
    let status = 200
    const paths: (string | undefined)[] = []
    const server = createServer((request, response) => {
      paths.push(request.url)
      response.writeHead(status).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    assert.ok(typeof address === 'object' && address !== null)
    const command = healthCheck({ ...http, host: '0.0.0.0', port: address.port })
    assert.equal(await check(command), 0)
    status = 503
    assert.equal(await check(command), 1)
    assert.deepEqual(paths, ['/livez', '/livez'])
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    assert.equal(await check(command), 1)
  })

  it('looks at the process where there is nothing to ask', () => {
    for (const each of [
      { ...http, enabled: false },
      { ...http, port: 0 },
    ]) {
      assert.deepEqual(healthCheck(each), ['node', '-e', 'process.kill(1, 0)'])
    }
  })

  it('stands in the Dockerfile, beside the signal and a user who is not root', () => {
    const text = dockerfile({ ...standard, isLocked: true, hasOutside: true })
    assert.ok(text.includes(`CMD ${JSON.stringify(healthCheck(http))}\n`))
    assert.match(text, /\nUSER 1000:1000\n/)
    assert.match(text, /\nSTOPSIGNAL SIGTERM\n/)
    assert.match(text, /docker stop --time 45\n/)
    assert.match(text, /\nCMD \["node", "server\.mjs"\]\n$/)
  })
})

describe('the Dockerfile', () => {
  it('installs by the lock where there is one', () => {
    assert.match(
      dockerfile({ ...standard, isLocked: true, hasOutside: true }),
      /\nCOPY package\.json package-lock\.json \.\/\n[\s\S]*\nRUN npm ci --omit=dev /,
    )
    assert.match(
      dockerfile({ ...standard, isLocked: false, hasOutside: true }),
      /\nCOPY package\.json \.\/\n[\s\S]*\nRUN npm install --omit=dev /,
    )
  })

  it('has no stage that installs where nothing is to be installed', () => {
    const text = dockerfile({ ...standard, isLocked: false, hasOutside: false })
    assert.equal(text.match(/^FROM /gm)?.length, 1)
    assert.doesNotMatch(text, /npm|node_modules/)
  })

  it('begins with the image that is named, in both of its stages', () => {
    const baseImage = `node@sha256:${'0a'.repeat(32)}`
    const text = dockerfile({ ...standard, isLocked: true, hasOutside: true, baseImage })
    assert.match(text, new RegExp(`^ARG BASE_IMAGE=${baseImage}$`, 'm'))
    assert.equal(text.match(/^FROM \$\{BASE_IMAGE\}( AS dependencies)?$/gm)?.length, 2)
    assert.equal(text.match(/^FROM /gm)?.length, 2)
  })
})

describe('package.json of a build', () => {
  it('allows install scripts to the native packages only, for each package manager', () => {
    const text = distManifest({
      name: 'a',
      version: '1.0.0',
      dependencies: { native: '1.2.3', plain: '4.5.6' },
      built: ['native'],
    })
    const { dependencies, allowScripts, pnpm, trustedDependencies } = JSON.parse(text)
    assert.deepEqual(dependencies, { native: '1.2.3', plain: '4.5.6' })
    assert.deepEqual(allowScripts, { native: true })
    assert.deepEqual(pnpm.onlyBuiltDependencies, ['native'])
    assert.deepEqual(trustedDependencies, ['native'])
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rawStatus, serveConsole, TOKEN } from './served-console.ts'

const authorization = `Bearer ${TOKEN}`
const json = { 'content-type': 'application/json' }

async function codeOf(response: Response): Promise<unknown> {
  const { error } = (await response.json()) as { readonly error: Record<string, unknown> }
  for (const part of ['code', 'message', 'next']) assert.equal(typeof error[part], 'string', part)
  return error.code
}

describe('what keeps strangers from the console', { timeout: 30_000 }, () => {
  it('gives the page and its parts without a token, as they hold no data', async (t) => {
    const { get } = await serveConsole(t)
    const page = await get('/', {})
    assert.deepEqual([page.status, page.headers.get('cache-control')], [200, 'no-cache'])
    assert.match(await page.text(), /<title>console/)
    const asset = await get('/assets/0a1b.js', {})
    assert.deepEqual([asset.status, asset.headers.get('cache-control')], [200, 'public, max-age=31536000, immutable'])
    assert.equal((await get('/assets/other.js', { authorization })).status, 404)
  })

  it('sends a policy with everything that lets a page load nothing from elsewhere and run nothing inline', async (t) => {
    const { get } = await serveConsole(t)
    for (const path of ['/', '/assets/0a1b.js', '/api', '/api/none']) {
      const { headers } = await get(path)
      const policy = headers.get('content-security-policy') ?? ''
      for (const part of ["default-src 'none'", "script-src 'self'", "require-trusted-types-for 'script'"])
        assert.ok(policy.includes(part), `${path}: ${part}`)
      assert.equal(headers.get('x-content-type-options'), 'nosniff')
      assert.equal(headers.get('referrer-policy'), 'no-referrer')
      assert.equal(headers.get('access-control-allow-origin'), null)
      assert.equal(headers.get('set-cookie'), null)
    }
  })

  it('answers nothing below /api without the token, and keeps no answer in a cache', async (t) => {
    const { get } = await serveConsole(t)
    const refused = await get('/api/snapshot', {})
    assert.deepEqual([refused.status, refused.headers.get('www-authenticate')], [401, 'Bearer'])
    assert.equal(await codeOf(refused), 'no-token')
    assert.equal(await codeOf(await get('/api/snapshot', { authorization: 'Bearer another' })), 'wrong-token')
    assert.equal(await codeOf(await get('/api/snapshot', { authorization: TOKEN })), 'wrong-token')
    const given = await get('/api/snapshot')
    assert.deepEqual([given.status, given.headers.get('cache-control')], [200, 'no-store'])
  })

  it('looks at no more than 20 wrong tokens a minute, and at the right one again after it', async (t) => {
    const { get, clock } = await serveConsole(t)
    for (let wrong = 1; wrong <= 20; wrong++) {
      assert.equal((await get('/api', { authorization: `Bearer ${wrong}` })).status, 401)
    }
    assert.equal(await codeOf(await get('/api', { authorization: 'Bearer 21' })), 'too-many-wrong-tokens')
    assert.equal((await get('/api')).status, 429)
    clock.advance(60_000)
    assert.equal((await get('/api')).status, 200)
  })

  it('refuses a token in an address, though it is the right one, and logs nothing of it', async (t) => {
    const { get, lines } = await serveConsole(t)
    for (const name of ['token', 'access_token', 'Authorization']) {
      const refused = await get(`/api?${name}=${TOKEN}`)
      assert.equal(refused.status, 400)
      assert.equal(await codeOf(refused), 'token-in-query')
    }
    assert.ok(!JSON.stringify(lines).includes(TOKEN))
  })

  it('is asked under localhost, an address or a listed name only', async (t) => {
    const { url } = await serveConsole(t, { names: ['console.example'] })
    const statusFor = (host: string, path = '/api') => rawStatus(`${url}${path}`, { headers: { host, authorization } })
    assert.equal(await statusFor('localhost:9464'), 200)
    assert.equal(await statusFor('CONSOLE.example:9464'), 200)
    assert.equal(await statusFor('made-up.example'), 421)
    assert.equal(await statusFor('made-up.example', '/'), 421)
  })

  it('changes something only for JSON from its own page, or from no browser', async (t) => {
    const { url, post, runtime } = await serveConsole(t)
    const host = new URL(url).host
    const path = '/api/handlers/bill/pause'
    const statusWith = (headers: Record<string, string>) =>
      rawStatus(`${url}${path}`, { method: 'POST', headers: { host, authorization, ...headers }, body: '{}' })
    assert.equal(await statusWith({ ...json, origin: 'http://other.example' }), 403)
    assert.equal(await statusWith({ ...json, origin: 'null' }), 403)
    for (const site of ['cross-site', 'same-site', 'none']) {
      assert.equal(await statusWith({ ...json, 'sec-fetch-site': site }), 403, site)
    }
    assert.equal(await statusWith({ 'content-type': 'text/plain' }), 415)
    assert.equal(await statusWith({}), 415)
    assert.deepEqual(runtime.paused, [])
    assert.equal(await statusWith({ ...json, origin: url, 'sec-fetch-site': 'same-origin' }), 200)
    assert.equal((await post(path)).status, 200)
    assert.deepEqual(runtime.paused, ['bill'])
  })

  it('changes nothing by GET, and says which method a path has', async (t) => {
    const { get, post, url, runtime } = await serveConsole(t)
    assert.equal(await codeOf(await get('/api/handlers/bill/pause')), 'method')
    assert.equal(await codeOf(await post('/api/snapshot')), 'method')
    assert.equal((await fetch(`${url}/`, { method: 'POST' })).status, 405)
    assert.deepEqual(runtime.paused, [])
  })

  it('reads a body of 64 kB at most, and only what the path takes', async (t) => {
    const { post } = await serveConsole(t)
    const path = '/api/handlers/bill/pause'
    assert.equal(await codeOf(await post(path, `"${'x'.repeat(65_536)}"`)), 'too-large')
    assert.equal(await codeOf(await post(path, '{"half":')), 'bad-request')
    assert.equal(await codeOf(await post(path, { more: 1 })), 'bad-request')
    assert.equal(await codeOf(await post(path, '[]')), 'bad-request')
  })

  it('answers a path that is none, is written wrongly or is too long with what to do', async (t) => {
    const { get } = await serveConsole(t)
    assert.equal(await codeOf(await get('/api/none')), 'not-found')
    assert.equal(await codeOf(await get('/api/%')), 'bad-request')
    assert.equal(await codeOf(await get(`/api/${'x'.repeat(257)}`)), 'bad-request')
  })

  it('changes nothing where actions are off', async (t) => {
    const { post, runtime } = await serveConsole(t, { canAct: false })
    assert.equal(await codeOf(await post('/api/handlers/bill/pause')), 'actions-off')
    assert.deepEqual(runtime.paused, [])
  })

  it('goes on when an answer cannot be made, says so and logs why', async (t) => {
    const { get, runtime, lines } = await serveConsole(t)
    runtime.snapshot = () => {
      throw new Error('no snapshot')
    }
    const broken = await get('/api/snapshot')
    assert.equal(broken.status, 500)
    assert.ok(!(await broken.text()).includes('no snapshot'))
    assert.ok(lines.some(({ message }) => message === 'the console could not answer'))
  })
})

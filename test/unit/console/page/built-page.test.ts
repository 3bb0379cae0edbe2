import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { makePage } from '../../../../.ci/build-console.mjs'

const maxGzipBytes = 60_000

describe('the page of the console, bundled', () => {
  it('is below 60 kB in all, compressed, and brings the licences of what it carries', async () => {
    const { html, assets } = await makePage()
    const total = [html, ...assets.map(({ text }) => text)].reduce((sum, text) => sum + gzipSync(text).length, 0)
    assert.ok(total < maxGzipBytes, `${total} bytes`)
    const licences = assets.find(({ contentType }) => contentType.startsWith('text/plain'))?.text ?? ''
    for (const name of ['preact', '@preact/signals', '@preact/signals-core']) {
      assert.match(licences, new RegExp(`^${name} \\d`, 'm'))
    }
    for (const { name } of assets) assert.ok(html.includes(`assets/${name}`), name)
  })

  it('has no script and no style in its HTML, which its policy would refuse', async () => {
    const { html } = await makePage()
    assert.doesNotMatch(html, /<style|style=|<script(?![^>]* src=)|\son\w+=/)
  })
})

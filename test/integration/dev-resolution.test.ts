/** `pyrallel dev` notices files that no bundle has in it, and that say what a type is: tsconfigs, package.json, files of types. */
import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { aLoop, type Loop, one, save, timeout } from './dev-loops.ts'

const typed = (from: string) =>
  `import { handler } from 'pyrallel'\nimport type { Order } from '${from}'\nexport default handler<Order>('first', (record, context) => context.publish('version-1', 1))\n`
const order = (member: string) => `export type Order = number | { ${member}: string }\n`
const paths = (target: string) => JSON.stringify({ compilerOptions: { paths: { '#order': [target] } } })

/** Settles once the session has read this member of the type `Order`. */
async function becomes({ root, dev }: Loop, member: string, from: number): Promise<number> {
  const out = await dev.seen(/⟳ reloaded one/, from)
  assert.match(readFileSync(join(root, 'generated/schemas.ts'), 'utf8'), new RegExp(`\\b${member}: Type\\.String`))
  return out.lastIndexOf('reloaded')
}

describe('a session of pyrallel dev', () => {
  it('reads types anew when a file changes that is imported for nothing else', timeout, async () => {
    const loop = await aLoop({ ...one, 'handlers/one.ts': typed('../lib/order.ts'), 'lib/order.ts': order('before') })
    save(loop.root, 'lib/order.ts', order('after'))
    await becomes(loop, 'after', 0)
  })

  it('reads types anew when paths of an extended tsconfig change, come or go', timeout, async () => {
    const loop = await aLoop({
      ...one,
      'handlers/one.ts': typed('#order'),
      'lib/a.ts': order('of_a'),
      'lib/b.ts': order('of_b'),
      'tsconfig.json': '{ "extends": ["config/base.json", "./more.json"] }',
      'node_modules/config/package.json': '{ "name": "config", "version": "1.0.0" }',
      'node_modules/config/base.json': paths('../../lib/a.ts'),
    })
    save(loop.root, 'node_modules/config/base.json', paths('../../lib/b.ts'))
    const first = await becomes(loop, 'of_b', 0)
    save(loop.root, 'more.json', paths('./lib/a.ts'))
    const second = await becomes(loop, 'of_a', first)
    rmSync(join(loop.root, 'more.json'))
    await becomes(loop, 'of_b', second)
  })

  it('reads types anew when imports of package.json change', timeout, async () => {
    const imports = (target: string) => JSON.stringify({ type: 'module', imports: { '#order': target } })
    const loop = await aLoop({
      ...one,
      'handlers/one.ts': typed('#order'),
      'lib/a.ts': order('of_a'),
      'lib/b.ts': order('of_b'),
      'package.json': imports('./lib/a.ts'),
    })
    save(loop.root, 'package.json', imports('./lib/b.ts'))
    await becomes(loop, 'of_b', 0)
  })
})

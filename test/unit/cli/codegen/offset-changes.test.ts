/** Which changes of a handler move its offsets, against the manifest that is there. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { generate, withoutOffsetChanges, writeFiles } from '../../../../cli/codegen/generate.ts'
import { offsetChanges } from '../../../../cli/codegen/offset-changes.ts'
import { projectOnDisk } from './project-on-disk.ts'

const charge = { id: 'charge', file: 'handlers/charge.ts', topic: 'orders', group: 'billing', ordering: 'key' } as const
const audit = { id: 'audit', file: 'handlers/audit.ts', topic: 'orders', group: null, ordering: null } as const

const manifest = JSON.stringify({ group: 'shop', handlers: [charge, audit] })

function changes(handlers: Parameters<typeof offsetChanges>[1], group = 'shop') {
  return offsetChanges(manifest, handlers, group).map(
    ({ id, what, before, after }) => `${id}: ${what} ${before} -> ${after}`,
  )
}

describe('offsetChanges', () => {
  it('finds nothing where nothing has changed, or handlers are new or gone', () => {
    const added = { ...charge, id: 'new', file: 'handlers/new.ts', topic: 'others' } as const
    assert.deepEqual(changes([charge, audit, added]), [])
    assert.deepEqual(changes([audit]), [])
  })

  it('finds another topic, group and ordering, all at once', () => {
    assert.deepEqual(changes([{ ...charge, topic: 'sales', group: 'b2', ordering: 'partition' }, audit]), [
      'charge: topic orders -> sales',
      'charge: group billing -> b2',
      'charge: ordering key -> partition',
    ])
  })

  it("finds that the config's group has changed under handlers that name none", () => {
    assert.deepEqual(changes([charge, audit], 'store'), ['audit: group shop -> store'])
  })

  it('does not take a group that is written out for another one', () => {
    assert.deepEqual(changes([charge, { ...audit, group: 'shop' }]), [])
  })

  it('finds another id of the same file, and of a file that was moved', () => {
    assert.deepEqual(changes([{ ...charge, id: 'pay' }, audit]), ['pay: id charge -> pay'])
    assert.deepEqual(changes([{ ...charge, id: 'pay', file: 'handlers/pay.ts' }, audit]), ['pay: id charge -> pay'])
  })

  it('says of a new group where it starts, and of a new id that offsets stay', () => {
    const [group] = offsetChanges(manifest, [{ ...charge, group: 'b2' }], 'shop')
    assert.match(group?.consequence ?? '', /starts at kafka\.startFrom/)
    const [id] = offsetChanges(manifest, [{ ...charge, id: 'pay' }], 'shop')
    assert.match(id?.consequence ?? '', /^Offsets stay/)
  })

  for (const [what, text] of [
    ['is missing', undefined],
    ['has a merge conflict in it', '<<<<<<< HEAD\n{}'],
    ['is something else', '{"handlers": [1, {"id": 2}], "group": null}'],
  ] as const) {
    it(`has nothing to compare with when the manifest ${what}`, () => {
      assert.deepEqual(offsetChanges(text, [charge], 'shop'), [])
    })
  }
})

describe('withoutOffsetChanges', () => {
  it('leaves the manifest as it is, so that the change is told again until it is accepted', async () => {
    const source = (group: string) =>
      `import { handler } from 'pyrallel'\nexport default handler('orders', { group: '${group}' }, () => {})\n`
    const root = projectOnDisk({ 'handlers/a.ts': source('one') })
    writeFiles(root, (await generate(root, 'shop')).stale)
    writeFileSync(join(root, 'handlers/a.ts'), source('two'))
    const changed = await generate(root, 'shop')
    const written = withoutOffsetChanges(changed).map(({ path }) => path)
    assert.deepEqual(written, ['generated/asyncapi.json', 'generated/routes.ts'])
    writeFiles(root, withoutOffsetChanges(changed))
    const again = await generate(root, 'shop')
    assert.deepEqual(
      again.stale.map(({ path }) => path),
      ['generated/manifest.json'],
    )
    assert.equal(again.offsetChanges.length, 1)
  })
})

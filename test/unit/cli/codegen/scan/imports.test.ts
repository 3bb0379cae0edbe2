/** Imports are followed as `tsc` of TypeScript 7 follows them: both accept a project, or both refuse it. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { schemaText } from '../../../../../cli/codegen/render/render-schemas.ts'
import { ProjectScanner } from '../../../../../cli/codegen/scan/scan-project.ts'
import { projectOnDisk } from '../project-on-disk.ts'

const order = 'export interface Order { id: string }\n'
const options = '"noEmit": true, "strict": true, "allowImportingTsExtensions": true, "types": []'
const base = (paths: string) => `{ "compilerOptions": { ${options}, "module": "nodenext", "paths": ${paths} } }`
const plain = base('{}')
const library = {
  'node_modules/lib/package.json': '{ "name": "lib", "version": "1.0.0", "type": "module", "types": "index.d.ts" }',
  'node_modules/lib/index.d.ts': `${order}export declare const parse: (text: string) => Order\n`,
}

interface Fixture {
  readonly what: string
  readonly isRefused?: true
  /** In front of the handler. */
  readonly imports?: string
  readonly type?: string
  readonly files: Readonly<Record<string, string>>
}

const fixtures: readonly Fixture[] = [
  {
    what: 'paths of an extended tsconfig, from the folder of that file',
    imports: "import type { Order } from '#order'",
    files: {
      'tsconfig.json': '{ "extends": "./config/base.json" }',
      'config/base.json': base('{ "#order": ["../shared/order.ts"] }'),
      'shared/order.ts': order,
    },
  },
  {
    what: 'paths of the last of a list of extended tsconfigs that has any',
    imports: "import type { Order } from '#order'",
    files: {
      'tsconfig.json': '{ "extends": ["./a.json", "./b.json"] }',
      'a.json': base('{ "#order": ["./nowhere.ts"] }'),
      'b.json': '{ "compilerOptions": { "paths": { "#order": ["./shared/order.ts"] } } }',
      'shared/order.ts': order,
    },
  },
  {
    what: 'paths of a tsconfig that is extended through a package',
    imports: "import type { Order } from '#order'",
    files: {
      'tsconfig.json': '{ "extends": "config/base.json" }',
      'node_modules/config/package.json': '{ "name": "config", "version": "1.0.0" }',
      'node_modules/config/base.json': base('{ "#order": ["../../shared/order.ts"] }'),
      'shared/order.ts': order,
    },
  },
  {
    what: 'a type that is imported where it is written',
    type: "import('../shared/order.ts').Order",
    files: { 'tsconfig.json': plain, 'shared/order.ts': order },
  },
  {
    what: 'a type of a library that is imported where it is written',
    type: "import('lib').Order",
    files: { 'tsconfig.json': plain, ...library },
  },
  {
    what: 'a namespace of a library, for a value and for a type',
    imports: "import * as z from 'lib'\nexport const parse = z.parse",
    type: 'z.Order',
    files: { 'tsconfig.json': plain, ...library },
  },
  {
    what: 'a type of a library that is imported without `type`',
    imports: "import { Order, parse } from 'lib'\nexport const read = parse",
    files: { 'tsconfig.json': plain, ...library },
  },
  {
    what: 'paths that lead nowhere',
    isRefused: true,
    imports: "import type { Order } from '#order'",
    files: { 'tsconfig.json': base('{ "#order": ["./nowhere.ts"] }') },
  },
  {
    what: 'a type that is imported from nowhere where it is written',
    isRefused: true,
    type: "import('../shared/order.ts').Order",
    files: { 'tsconfig.json': plain },
  },
]

describe('imports, as tsc of TypeScript 7 follows them', () => {
  for (const { what, isRefused = false, imports = '', type = 'Order', files } of fixtures) {
    it(`${isRefused ? 'refuses' : 'follows'} ${what}`, () => {
      const root = projectOnDisk({
        'package.json': '{ "type": "module" }',
        'handlers/a.ts': `import { handler, topic } from 'pyrallel'\n${imports}\nexport default handler(topic<${type}>('orders'), () => {})\n`,
        ...files,
      })
      const { definitions, diagnostics } = new ProjectScanner(root).scan('shop')
      const schemas = definitions.map(({ node }) => schemaText(node, new Set()).replaceAll(/\s+/g, ' '))
      assert.equal(tscRefuses(root), isRefused)
      assert.equal(diagnostics.length > 0, isRefused, JSON.stringify(diagnostics))
      if (!isRefused) assert.deepEqual(schemas, ['Type.Object({ id: Type.String(), })'])
    })
  }
})

function tscRefuses(root: string): boolean {
  const stub = join(root, 'node_modules/pyrallel')
  mkdirSync(stub, { recursive: true })
  writeFileSync(
    join(stub, 'package.json'),
    '{ "name": "pyrallel", "version": "1.0.0", "type": "module", "types": "index.d.ts" }',
  )
  writeFileSync(
    join(stub, 'index.d.ts'),
    'export declare function topic<T>(name: string): T\nexport declare function handler<T>(from: T, run: (value: T) => void): T\n',
  )
  // Only what the handler leads to.
  writeFileSync(join(root, 'tsconfig.check.json'), '{ "extends": "./tsconfig.json", "files": ["handlers/a.ts"] }')
  const tsc = join(import.meta.dirname, '../../../../../node_modules/typescript/bin/tsc')
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.check.json')], {
    encoding: 'utf8',
  })
  assert.ok(status === 0 || /handlers\/a\.ts.*error TS/.test(stdout), stdout)
  return status !== 0
}

/** Writes a project of 50 handlers that say when new code of theirs handles its first record, and a traffic file that feeds each of them. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export const HANDLERS = 50

/** @param types how often the type of the values has changed */
export function handlerText(number: number, version: number, types = 0): string {
  return `import { handler } from 'pyrallel'
import { describe } from '../lib/shared.ts'

interface Order { readonly id: string; readonly total: number; readonly lines: readonly { readonly sku: string; readonly count: number }[]; readonly note${types}?: string }

let isFirst = true
export default handler<Order>('topic-${number}', { concurrency: 8 }, async (record) => {
  if (isFirst) process.stderr.write('runs ${number} ${version} ' + Date.now() + describe(record.value.id) + '\\n')
  isFirst = false
})
`
}

/** Into an empty folder. What it is installed with is the caller's. */
export function writeProject(root: string): void {
  for (const folder of ['handlers', 'lib']) mkdirSync(join(root, folder))
  writeFileSync(join(root, 'package.json'), '{ "name": "many", "version": "1.0.0", "type": "module" }')
  writeFileSync(
    join(root, 'pyrallel.config.ts'),
    "import { defineConfig } from 'pyrallel'\nexport default defineConfig({ group: 'bench', logging: { level: process.env.LEVEL ?? 'silent' } })\n",
  )
  writeFileSync(join(root, 'lib/shared.ts'), "export const describe = (id: string): string => ' ' + id\n")
  for (let number = 0; number < HANDLERS; number++) {
    writeFileSync(join(root, `handlers/handler-${number}.ts`), handlerText(number, 0))
  }
  writeFileSync(
    join(root, 'handlers/_traffic.ts'),
    `export const traffic = function* () {
  for (let n = 0; ; n++) yield { topic: 'topic-' + (n % ${HANDLERS}), value: { id: 'o', total: 1, lines: [] } }
}\n`,
  )
}

/** Pyrallel as another checkout has compiled it, with that checkout's dependencies: those that a bundle leaves outside. */
export function installBuild(root: string, checkout: string): void {
  const home = join(root, 'node_modules/pyrallel')
  mkdirSync(home, { recursive: true })
  symlinkSync(join(checkout, 'dist'), join(home, 'dist'))
  const { version, exports } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as {
    readonly version: string
    readonly exports: object
  }
  const manifest = { name: 'pyrallel', version, type: 'module', sideEffects: false, exports }
  writeFileSync(join(home, 'package.json'), JSON.stringify(manifest))
  for (const name of ['typebox', '@confluentinc/kafka-javascript', '@opentelemetry/api']) {
    const link = join(root, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(checkout, 'node_modules', name), link)
  }
}

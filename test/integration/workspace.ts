/** A package of the user's workspace, in TypeScript and linked into node_modules, as npm, pnpm and yarn do it. */
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

export const workspace = {
  'packages/names/package.json':
    '{ "name": "@acme/names", "version": "1.0.0", "type": "module", "exports": "./index.ts" }',
  'packages/names/index.ts': "export const group: string = 'acme-names'\n",
} as const

export function linkWorkspace(root: string): void {
  mkdirSync(join(root, 'node_modules/@acme'), { recursive: true })
  symlinkSync(join(root, 'packages/names'), join(root, 'node_modules/@acme/names'))
}

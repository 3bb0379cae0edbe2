/** The templates of `pyrallel init`, and what becomes of one in a folder. Writes nothing. */

import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { ownProperty } from '../../framework/model/own-property.ts'
import { packageRoot } from '../folders/package-root.ts'

export const templateNames = ['minimal', 'orders', 'worker', 'avro'] as const
export type TemplateName = (typeof templateNames)[number]

/** For whoever chooses. */
export const templateTexts: Readonly<Record<TemplateName, string>> = {
  minimal: 'one handler, the smallest there is',
  orders: 'two handlers, a topic between them, retries and dead letters',
  worker: 'a handler that keeps a core busy, on worker threads',
  avro: 'values in Avro, with a schema registry',
}

/** A record that the template's handler takes: topic and value. */
export const firstRecords: Readonly<Record<TemplateName, { readonly topic: string; readonly value: string }>> = {
  minimal: { topic: 'greetings', value: '{"name":"Ada"}' },
  orders: { topic: 'orders.created', value: '{"id":"o-1","customerId":"c-1","total":4200}' },
  worker: { topic: 'pages.fetched', value: '{"url":"https://example.com","text":"three little words"}' },
  avro: {
    topic: 'payments',
    value: '{"id":"9007199254740993","account":"a-1","amount":"12000.50","at":1764000000000}',
  },
}

export interface TemplateFile {
  /** Relative to the new project, with `/`. */
  readonly path: string
  readonly text: string
}

/** The files with their placeholders filled in, sorted by path. */
export function templateFiles(template: TemplateName, projectName: string): readonly TemplateFile[] {
  const folder = join(packageRoot, 'templates', template)
  const values = placeholders(projectName)
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const source = join(entry.parentPath, entry.name)
      const path = source.slice(folder.length + 1).replaceAll(sep, '/')
      const text = readFileSync(source, 'utf8').replaceAll(
        /\{\{([\w-]+)\}\}/g,
        (all, name: string) => ownProperty(values, name) ?? all,
      )
      // npm leaves files named .gitignore out of packages.
      return { path: path.replace('_gitignore', '.gitignore'), text }
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** A name that npm takes for a package and Kafka for a group: `My Shop!` is `my-shop`. */
export function projectNameOf(folderName: string): string {
  const name = folderName
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 100)
  return name === '' ? 'my-service' : name
}

/** The versions are those that this package itself was made and tested with. */
function placeholders(name: string): Readonly<Record<string, string>> {
  const own = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    readonly version: string
    readonly dependencies: Readonly<Record<string, string>>
    readonly devDependencies: Readonly<Record<string, string>>
  }
  const { tsx = '', typebox = '' } = own.dependencies
  const { typescript = '', '@types/node': typesNode = '' } = own.devDependencies
  return { name, pyrallel: own.version, tsx, typebox, typescript, 'types-node': typesNode }
}

/** The schemas of what manifests consist of, as their projects publish them; where each comes from stands in its file. */
import { readFileSync } from 'node:fs'
import { Compile } from 'typebox/schema'

interface VendoredSchemas {
  readonly kinds: Readonly<Record<string, string>>
  readonly definitions: object
}

const files = ['kubernetes-1.37', 'keda-2.21', 'prometheus-operator-0.85', 'compose-2.16']

const validators = new Map(
  files.flatMap((name) => {
    const text = readFileSync(new URL(`./schemas/${name}.json`, import.meta.url), 'utf8')
    const { kinds, definitions } = JSON.parse(text) as VendoredSchemas
    return Object.entries(kinds).map(([kind, $ref]) => [kind, Compile({ definitions, $ref })] as const)
  }),
)

/** What is wrong with a document of this kind; empty: nothing. */
export function misfits(kind: string, document: unknown): readonly string[] {
  const validator = validators.get(kind)
  if (validator === undefined) return [`no schema for kind ${kind}`]
  if (validator.Check(document)) return []
  return validator.Errors(document)[1].map((error) => JSON.stringify(error))
}

/** Says in words where a value goes wrong, for who reads it and for who publishes it. */
import { MAX_MISFITS, type Misfit } from './misfits.ts'
import type { ValueCheck } from './value-check.ts'

/** Where the value goes wrong and what is expected there: schema and path, never the value. */
export function expectation(check: Pick<ValueCheck, 'namedPath'>, value: unknown, misfits: readonly Misfit[]): string {
  // The misfit of each alternative is told before the misfit of the union that holds them: the union is the news.
  const unions = misfits.filter((misfit) => misfit.keyword === 'anyOf').map((misfit) => `${misfit.schemaPath}/anyOf/`)
  const news = misfits.filter((misfit) => !unions.some((union) => misfit.schemaPath.startsWith(union)))
  const first = news[0]
  if (first === undefined) return 'TypeBox does not say why'
  const path = check.namedPath(value, first.instancePath)
  const rest = news.length === 1 && misfits.length <= MAX_MISFITS ? '' : ' (and more)'
  switch (first.keyword) {
    case 'boolean':
      return `${path} is not allowed there${rest}`
    case 'const':
      return `${path} must be ${JSON.stringify(first.params.allowedValue)}${rest}`
    case 'enum':
      return `${path} must be one of ${JSON.stringify(first.params.allowedValues)}${rest}`
    case 'anyOf': {
      const branches = misfits.filter((misfit) => misfit.schemaPath.startsWith(`${first.schemaPath}/anyOf/`))
      const wants = branches.map((misfit) =>
        misfit.keyword === 'const' ? `be ${JSON.stringify(misfit.params.allowedValue)}` : misfit.message,
      )
      return `${path} must ${[...new Set(wants.map((want) => want.replace(/^must /, '')))].join(', or ')}${rest}`
    }
    default:
      return `${path} ${first.message}${rest}`
  }
}

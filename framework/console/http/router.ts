/** Finds the endpoint that a method and a path mean. Knows no socket. */
import type { Endpoint } from './endpoint.ts'
import { ApiFault, badRequest, notFound } from './fault.ts'

/** Of a segment, decoded: ids of handlers have 200 characters at most, names of topics 249. */
const MAX_SEGMENT = 256

/** All segments that are left. */
const REST = '{rest...}'

export interface Found {
  readonly endpoint: Endpoint
  readonly params: Readonly<Record<string, string>>
}

interface Known {
  readonly endpoint: Endpoint
  readonly segments: readonly string[]
}

export class Router {
  readonly #known: readonly Known[]

  constructor(endpoints: readonly Endpoint[]) {
    this.#known = endpoints.map((endpoint) => ({ endpoint, segments: endpoint.path.split('/') }))
  }

  /**
   * @param path as it came, encoded, without query
   * @throws ApiFault when there is no such path, or it has another method
   */
  find(method: string, path: string): Found {
    const asked = path.split('/').map(decoded)
    const matching = this.#known.filter(({ segments }) => isMatch(segments, asked))
    const wanted = method === 'HEAD' ? 'GET' : method
    const found = matching.find(({ endpoint }) => endpoint.method === wanted)
    if (found !== undefined) return { endpoint: found.endpoint, params: paramsOf(found.segments, asked) }
    if (matching.length === 0) throw notFound('There is no such path.')
    const methods = matching.map(({ endpoint }) => endpoint.method).join(' or ')
    throw new ApiFault('method', 'This path has another method.', `Ask with ${methods}.`)
  }
}

function isMatch(segments: readonly string[], asked: readonly string[]): boolean {
  const isWhole = segments.at(-1) === REST ? asked.length >= segments.length : asked.length === segments.length
  return (
    isWhole && segments.every((segment, index) => (isName(segment) ? asked[index] !== '' : segment === asked[index]))
  )
}

function paramsOf(segments: readonly string[], asked: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    segments.flatMap((segment, index) => {
      if (segment === REST) return [['rest', asked.slice(index).map(encodeURIComponent).join('/')]]
      return isName(segment) ? [[segment.slice(1, -1), asked[index] ?? '']] : []
    }),
  )
}

function isName(segment: string): boolean {
  return segment.startsWith('{')
}

function decoded(segment: string): string {
  let text: string
  try {
    text = decodeURIComponent(segment)
  } catch {
    throw badRequest('The path has a percent sign that begins no character.')
  }
  if (text.length <= MAX_SEGMENT) return text
  throw badRequest(`A part of the path has more than ${MAX_SEGMENT} characters.`)
}

/** Asks a running process for its snapshot. Believes nothing that is not one. */
import { PyrallelError, toError } from '../../framework/model/errors.ts'
import type { SystemMetrics } from '../../framework/model/snapshot.ts'

const TIMEOUT_MS = 5_000

/**
 * Where a process answers operators, as `--url` names it; `http://` may be left out.
 * @throws PyrallelError PYR_USAGE when it is no such address
 */
export function snapshotAddress(text: string): string {
  const url = text.includes('://') ? text : `http://${text}`
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url
  throw new PyrallelError(
    'PYR_USAGE',
    `--url is '${text}', which is no address of a process. Write http://host:port, as the process logged it with \`operators are answered over HTTP\`.`,
  )
}

/**
 * @param url where the process answers operators: `http://127.0.0.1:9464`
 * @param token `http.token` of that process
 * @throws PyrallelError PYR_STATUS_UNREACHABLE when nothing answers there, or something else does
 */
export async function readSnapshot(url: string, token?: string): Promise<SystemMetrics> {
  const response = await ask(url, token)
  if (response.status === 401 || response.status === 429) throw refused(url, response.status, token)
  const answer: unknown = response.ok ? await response.json().catch(() => undefined) : undefined
  if (isSnapshot(answer)) return answer
  throw new PyrallelError(
    'PYR_STATUS_UNREACHABLE',
    `What answers at ${url} is no Pyrallel (status ${response.status}, no snapshot). Name the address that the process logged as \`operators are answered over HTTP\`: --url http://host:port.`,
  )
}

function refused(url: string, status: number, token: string | undefined): PyrallelError {
  const facts = token === undefined ? 'asks for a token' : 'does not take this token'
  return new PyrallelError(
    'PYR_STATUS_UNREACHABLE',
    `The process at ${url} ${facts} (status ${status}). Set PYRALLEL_HTTP_TOKEN to its http.token.`,
  )
}

async function ask(url: string, token: string | undefined): Promise<Response> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  try {
    return await fetch(new URL('/snapshot', url), {
      headers,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
  } catch (thrown) {
    const error = toError(thrown)
    const why = error.cause === undefined ? error : toError(error.cause)
    // What fetch says of a port that belongs to another protocol. No code tells, and nothing was asked.
    if (why.message === 'bad port') {
      throw new PyrallelError(
        'PYR_STATUS_UNREACHABLE',
        `Nothing can be asked at ${url}: Node's fetch, like browsers, refuses that port, as it belongs to another protocol. Set http.port to another.`,
        { cause: thrown },
      )
    }
    throw new PyrallelError(
      'PYR_STATUS_UNREACHABLE',
      `Nothing answers at ${url} (${'code' in why ? why.code : why.message}). Start the process with \`http: { enabled: true }\` in pyrallel.config.ts, or name its address: --url http://host:port.`,
      { cause: thrown, retriable: true },
    )
  }
}

function isSnapshot(answer: unknown): answer is SystemMetrics {
  if (typeof answer !== 'object' || answer === null) return false
  const { takenAt, groups } = answer as Partial<SystemMetrics>
  return typeof takenAt === 'number' && Array.isArray(groups)
}

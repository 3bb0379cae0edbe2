/** Connects to Kafka in JavaScript. The only file that loads @platformatic/kafka, by library.ts, and only when it is called. */
import { securityGaps } from '../../config/security-options.ts'
import { PyrallelError, toError } from '../../model/errors.ts'
import { systemClock } from '../../time/clock.ts'
import { connectionRisks } from '../plaintext-risks.ts'
import type { JavascriptLibrary } from './binding.ts'
import { compressionOf } from './compression.ts'
import { JavascriptConnection } from './connection.ts'
import type { JavascriptConnectionOptions } from './settings.ts'

/** The one that was probed: of another, each rule of this client would have to be looked at anew. */
export const LIBRARY_VERSION = '2.12.1'

/** Loads the library's module. Replaced in tests, to see what happens where it cannot be loaded. */
export type JavascriptLoader = () => Promise<unknown>

const importJavascript: JavascriptLoader = () => import('./library.ts')

/** @throws PyrallelError PYR_CLIENT_MISSING, saying why and what to run */
export async function loadJavascript(load: JavascriptLoader = importJavascript): Promise<JavascriptLibrary> {
  try {
    return (await load()) as JavascriptLibrary
  } catch (thrown) {
    const [why] = toError(thrown).message.split('\n')
    throw new PyrallelError(
      'PYR_CLIENT_MISSING',
      `The Kafka client in JavaScript (@platformatic/kafka) cannot be loaded: ${why}. ` +
        `Run \`npm install --save-exact @platformatic/kafka@${LIBRARY_VERSION}\` in the project: npm leaves it out where it is optional and Node is older than 22.`,
      { cause: thrown },
    )
  }
}

/** The version of a library that is not the one that was probed; `undefined` where it is, or does not tell. */
export function otherVersion({ clientSoftwareVersion: version }: JavascriptLibrary): string | undefined {
  return version === LIBRARY_VERSION ? undefined : version
}

/**
 * Loads the library and checks the options. Asks no broker: that is what `check` is for.
 * @throws PyrallelError PYR_CLIENT_MISSING, PYR_CONFIG_INVALID
 */
export async function connectJavascript(
  options: JavascriptConnectionOptions,
  load: JavascriptLoader = importJavascript,
): Promise<JavascriptConnection> {
  const { brokers, security, log } = options
  const gaps = security === undefined ? [] : securityGaps(security)
  if (gaps.length > 0) {
    throw new PyrallelError('PYR_CONFIG_INVALID', gaps.map((gap) => `option kafka.security.${gap}`).join('\n'))
  }
  const { refused, warnings } = connectionRisks({ brokers, security, librdkafka: {} })
  if (refused.length > 0 && security?.allowPlaintext !== true) {
    const lines = refused.map((each) => `option ${each}, or allow it by kafka.security.allowPlaintext: true.`)
    throw new PyrallelError('PYR_CONFIG_INVALID', lines.join('\n'))
  }
  for (const why of [...refused, ...warnings]) {
    log.warn({ why }, 'the connection to the brokers is not safe from others on the way')
  }
  const library = await loadJavascript(load)
  const version = otherVersion(library)
  if (version !== undefined) log.warn({ version, wanted: LIBRARY_VERSION }, 'the Kafka library is of another version')
  compressionOf(library, options.compression)
  return new JavascriptConnection(library, options, options.clock ?? systemClock())
}

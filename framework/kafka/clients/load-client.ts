/** Loads the Kafka client that is wished for, or the one that can stand in for it. The one place that chooses. */
import { PyrallelError } from '../../model/errors.ts'
import { beyondJavascript, type ClientWish } from '../client-limits.ts'
import type { JavascriptLibrary } from '../javascript/binding.ts'
import type { JavascriptLoader } from '../javascript/client.ts'
import type { Librdkafka } from '../librdkafka/binding.ts'
import type { LibrdkafkaLoader } from '../librdkafka/client.ts'

export interface ClientNeeds {
  /** Default `auto`: librdkafka where it loads, else the one in JavaScript. */
  readonly client?: ClientWish
  readonly groupProtocol: 'consumer' | 'classic'
  readonly librdkafka?: Readonly<Record<string, unknown>>
}

/** How the libraries are loaded. Replaced in tests, to see what happens where one cannot be. */
export interface ClientLoaders {
  readonly librdkafka?: LibrdkafkaLoader
  readonly javascript?: JavascriptLoader
}

export type LoadedClient =
  | { readonly name: 'librdkafka'; readonly library: Librdkafka }
  | {
      readonly name: 'javascript'
      readonly library: JavascriptLibrary
      /** Why it is not the native one, which would have been the first choice. */
      readonly insteadOf: PyrallelError | undefined
    }

/** @throws PyrallelError PYR_NATIVE_MISSING where only the native client would do, PYR_CLIENT_MISSING, PYR_CONFIG_INVALID */
export async function loadClient(needs: ClientNeeds, loaders: ClientLoaders = {}): Promise<LoadedClient> {
  const { client = 'auto' } = needs
  if (client === 'javascript') {
    const lines = whyNotJavascript(needs)
    if (lines.length > 0) throw new PyrallelError('PYR_CONFIG_INVALID', lines.join('\n'))
    return javascript(loaders)
  }
  try {
    const { loadLibrdkafka } = await import('../librdkafka/client.ts')
    return { name: 'librdkafka', library: await loadLibrdkafka(loaders.librdkafka) }
  } catch (thrown) {
    if (client === 'librdkafka' || !isMissing(thrown, 'PYR_NATIVE_MISSING')) throw thrown
    return insteadOfNative(needs, loaders, thrown)
  }
}

async function insteadOfNative(
  needs: ClientNeeds,
  loaders: ClientLoaders,
  native: PyrallelError,
): Promise<LoadedClient> {
  const lines = whyNotJavascript(needs)
  if (lines.length > 0) {
    const text = [native.message, 'The client in JavaScript cannot stand in for it:', ...lines].join('\n')
    throw new PyrallelError('PYR_NATIVE_MISSING', text, { cause: native })
  }
  try {
    return await javascript(loaders, native)
  } catch (thrown) {
    if (!isMissing(thrown, 'PYR_CLIENT_MISSING')) throw thrown
    const text = `There is no Kafka client; either will do.\n${native.message}\n${thrown.message}`
    throw new PyrallelError('PYR_CLIENT_MISSING', text, { cause: native })
  }
}

async function javascript(loaders: ClientLoaders, insteadOf?: PyrallelError): Promise<LoadedClient> {
  const { loadJavascript } = await import('../javascript/client.ts')
  return { name: 'javascript', library: await loadJavascript(loaders.javascript), insteadOf }
}

function whyNotJavascript({ groupProtocol, librdkafka = {} }: ClientNeeds): readonly string[] {
  return beyondJavascript({ groupProtocol, librdkafka }).map(({ option, text }) => `option ${option} ${text}.`)
}

function isMissing(thrown: unknown, code: 'PYR_NATIVE_MISSING' | 'PYR_CLIENT_MISSING'): thrown is PyrallelError {
  return thrown instanceof PyrallelError && thrown.code === code
}

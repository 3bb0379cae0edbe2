/** The library that reads and writes Protobuf, loaded when the first value needs it. The one module that loads it. */
import { PyrallelError, toError } from '../../model/errors.ts'

export interface ProtobufLibrary {
  readonly core: typeof import('@bufbuild/protobuf')
  readonly reflect: typeof import('@bufbuild/protobuf/reflect')
  readonly wire: typeof import('@bufbuild/protobuf/wire')
  readonly wkt: typeof import('@bufbuild/protobuf/wkt')
}

export const PROTOBUF_PACKAGE = '@bufbuild/protobuf'
/** Of package.json, where it is optional. */
export const PROTOBUF_VERSION = '2.17.0'
let loaded: ProtobufLibrary | undefined

export function isProtobufLoaded(): boolean {
  return loaded !== undefined
}

/** @throws PyrallelError PYR_HANDLER_OPTION where it is not installed */
export async function loadProtobuf(): Promise<ProtobufLibrary> {
  if (loaded !== undefined) return loaded
  try {
    const [core, reflect, wire, wkt] = await Promise.all([
      import('@bufbuild/protobuf'),
      import('@bufbuild/protobuf/reflect'),
      import('@bufbuild/protobuf/wire'),
      import('@bufbuild/protobuf/wkt'),
    ])
    loaded = { core, reflect, wire, wkt }
    return loaded
  } catch (thrown) {
    const cause = toError(thrown)
    const next = `Run \`npm install --save-exact ${PROTOBUF_PACKAGE}@${PROTOBUF_VERSION}\` in the project`
    throw new PyrallelError(
      'PYR_HANDLER_OPTION',
      `Values in Protobuf need the package ${PROTOBUF_PACKAGE}, which cannot be loaded: ${cause.message}. ${next}.`,
      { cause },
    )
  }
}

/** Wait for `loadProtobuf` first. */
export function protobufLibrary(): ProtobufLibrary {
  if (loaded === undefined) throw new Error('the library of Protobuf is not loaded')
  return loaded
}

/** How batches are compressed that are produced: by the name that an option has for it. Pure. */
import { PyrallelError } from '../../model/errors.ts'
import type { Compression as CompressionName } from '../../model/settings.ts'
import type { BatchCompression } from './batch-writer.ts'
import type { JavascriptLibrary } from './binding.ts'

/** As in the attributes of a batch (KIP-110 for the last). */
const numbers = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const

/** @throws PyrallelError PYR_CONFIG_INVALID where this process cannot compress so */
export function compressionOf(
  { compressionsAlgorithmsByBitmask: byNumber }: Pick<JavascriptLibrary, 'compressionsAlgorithmsByBitmask'>,
  name: CompressionName = 'none',
): BatchCompression | undefined {
  if (name === 'none') return undefined
  const compression = byNumber[numbers[name]]
  if (compression?.available === true) return compression
  const facts = `option kafka.compression is '${name}', which the client in JavaScript cannot write here: Node compresses by zstd from 22.15 on.`
  const step = "Update Node, choose another compression, or write kafka.client: 'librdkafka'."
  throw new PyrallelError('PYR_CONFIG_INVALID', `${facts} ${step}`)
}

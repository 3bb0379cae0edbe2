/** Reads a secret that a container mounts as a file: `PYRALLEL_KAFKA_SECURITY_SASL_PASSWORD_FILE=/run/secrets/kafka`. Shows none of it. */
import { closeSync, openSync, readSync } from 'node:fs'
import { PyrallelError, toError } from '../model/errors.ts'
import { withoutLineEnd, writtenText } from '../model/written-text.ts'

/** A key with its chain is some 10 kB. Bytes. */
const MAX_BYTES = 65_536

/** Without the line's end that an editor puts behind it. @throws PyrallelError PYR_CONFIG_INVALID when it cannot be read, is empty, or is no secret by its size */
export function readSecretFile(variable: string, path: string): string {
  const read = writtenText(readBytes(variable, path))
  if (read.kind === 'fault')
    throw new PyrallelError('PYR_CONFIG_INVALID', `${variable} names a file that ${read.fault}`)
  const text = withoutLineEnd(read.text)
  if (text !== '') return text
  throw new PyrallelError('PYR_CONFIG_INVALID', `${variable} names a file that is empty. Write the secret into it.`)
}

function readBytes(variable: string, path: string): Buffer {
  const buffer = Buffer.alloc(MAX_BYTES + 1)
  let length = 0
  try {
    const file = openSync(path, 'r')
    try {
      for (let count = -1; count !== 0 && length < buffer.length; length += count) {
        count = readSync(file, buffer, length, buffer.length - length, null)
      }
    } finally {
      closeSync(file)
    }
  } catch (thrown) {
    // Not the path: somebody may have written the secret itself.
    const { code } = toError(thrown) as NodeJS.ErrnoException
    const message = `${variable} names a file that cannot be read (${code ?? 'unknown error'}). Write the path of the file that holds the secret.`
    throw new PyrallelError('PYR_CONFIG_INVALID', message)
  }
  if (length <= MAX_BYTES) return buffer.subarray(0, length)
  throw new PyrallelError(
    'PYR_CONFIG_INVALID',
    `${variable} names a file of more than ${MAX_BYTES} bytes: that is no secret.`,
  )
}

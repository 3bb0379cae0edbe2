/** Reads what a request brings as JSON. Bounded: what is longer is not kept. */
import type { IncomingMessage } from 'node:http'
import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { ApiFault, badRequest } from './fault.ts'

/** @throws ApiFault when it is too long, no JSON, or not what `schema` says */
export async function readBody(request: IncomingMessage, schema: TSchema, maxBytes: number): Promise<unknown> {
  const body = parse(await readText(request, maxBytes))
  if (Value.Check(schema, body)) return body
  const [first] = Value.Errors(schema, body)
  const place = first === undefined || first.instancePath === '' ? 'the body' : first.instancePath
  throw badRequest(`What this path takes is another: ${place} ${first?.message ?? 'is wrong'}.`)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw badRequest('The body is no JSON.')
  }
}

function readText(request: IncomingMessage, maxBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    let length = 0
    request.on('data', (part: Buffer) => {
      length += part.length
      if (length <= maxBytes) parts.push(part)
      // The rest is read and dropped: cut off, the client would not see why.
      else reject(new ApiFault('too-large', `The body is above ${maxBytes} bytes.`, 'Send a shorter one.'))
    })
    request.once('end', () => resolve(Buffer.concat(parts).toString()))
    request.once('close', () => reject(badRequest('The body has ended early.')))
  })
}

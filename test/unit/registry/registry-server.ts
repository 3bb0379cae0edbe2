/** An HTTP server that answers as a test says, and remembers what it was asked. Ended after each test. */
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach } from 'node:test'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export type Answer =
  | { readonly status?: number; readonly json?: unknown; readonly text?: string; readonly headers?: object }
  | 'hang'
  | 'cut'

export interface RegistryServer {
  readonly url: string
  readonly asked: readonly Asked[]
}

const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

export async function serve(answer: (asked: Asked) => Answer | Promise<Answer>): Promise<RegistryServer> {
  const asked: Asked[] = []
  const server = createServer(listener(answer, asked))
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

export function listener(answer: (asked: Asked) => Answer | Promise<Answer>, asked: Asked[]): RequestListener {
  return async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { method = '', url: path = '', headers } = request
    const question = { method, path, headers, body }
    asked.push(question)
    const given = await answer(question)
    if (given === 'hang') return
    if (given === 'cut') {
      request.socket.destroy()
      return
    }
    const { status = 200, json, text = JSON.stringify(json), headers: more = {} } = given
    response.writeHead(status, { 'content-type': 'application/json', ...more })
    response.end(text)
  }
}

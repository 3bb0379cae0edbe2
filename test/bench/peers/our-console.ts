/** Where a peer serves the console, and a page that reads it as the one in a browser does: the stream with the partitions in view, from another process. */
import { fork } from 'node:child_process'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { PyrallelConfig } from '../../../framework/index.ts'
import { fail } from './peer.ts'
import type { PeerSettings } from './protocol.ts'

export interface ServedConsole {
  readonly http: NonNullable<PyrallelConfig['http']>
  /** Settles once the page has had its first snapshot. */
  openPage(settings: PeerSettings): Promise<void>
}

const token = 'token-of-the-benchmark'

/** @param peer the URL of the peer's own module: the page's stands beside it */
export async function serveConsole(peer: string): Promise<ServedConsole> {
  const port = await freePort()
  return {
    http: { enabled: true, port, token, metrics: false, console: { enabled: true } },
    openPage: ({ group, topic, partitions }) => {
      const names = Array.from({ length: partitions }, (_, partition) => `${group}/${topic}/${partition}`)
      const url = `http://127.0.0.1:${port}/api/stream?partitions=${names.map(encodeURIComponent).join()}`
      const page = fork(fileURLToPath(new URL('console-page.mjs', peer)), [url, token])
      // Without it, the rate is that of a closed page.
      page.once('exit', (code) => fail(new Error(`the page has ended with ${code}`)))
      return new Promise((resolve) => page.once('message', () => resolve()))
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port is free')
  return address.port
}

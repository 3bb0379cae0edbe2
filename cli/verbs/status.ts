/** `pyrallel status`: shows what a running process is doing, once or again and again. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../framework/time/clock.ts'
import { configFile, loadProject } from '../project/project.ts'
import { readSnapshot, snapshotAddress } from '../status/read-snapshot.ts'
import { statusText } from '../status/status-text.ts'
import { errorCode, exitCodes } from '../terminal/failure.ts'
import { hasColor, type Io } from '../terminal/io.ts'
import { jsonText } from '../terminal/json-text.ts'
import { painter } from '../terminal/paint.ts'
import { listenToStopSignals } from '../terminal/stop-signals.ts'

export interface StatusOptions {
  readonly url?: string
  readonly watch?: boolean
  readonly json?: boolean
}

const EVERY_MS = 1_000
/** To the upper left corner, and away with what was below: a screen that is written over does not flicker. */
const REDRAW = '\u001b[H\u001b[J'

export async function status(options: StatusOptions, io: Io): Promise<number> {
  if (options.watch !== true) {
    await show(options, io)
    return exitCodes.fine
  }
  const signals = listenToStopSignals()
  try {
    await watch(options, io, signals.first)
  } finally {
    signals.close()
  }
  return exitCodes.fine
}

/**
 * Until `stopped` settles. A process that has answered once may be gone for a while: it is being restarted.
 * @throws PyrallelError PYR_STATUS_UNREACHABLE when nothing has answered at the first time: the address may be wrong
 */
export async function watch(
  options: StatusOptions,
  io: Io,
  stopped: Promise<unknown>,
  clock = systemClock(),
): Promise<void> {
  let isOver = false
  let endPause = () => {}
  void stopped.then(() => {
    isOver = true
    endPause()
  })
  let hasAnswered = false
  let isTold = false
  while (!isOver) {
    try {
      await show(options, io)
      hasAnswered = true
      isTold = false
    } catch (thrown) {
      if (!hasAnswered || errorCode(thrown) !== 'PYR_STATUS_UNREACHABLE') throw thrown
      if (!isTold) sayGone(options, io)
      isTold = true
    }
    await new Promise<void>((resolve) => {
      const timer = clock.setTimer(EVERY_MS, resolve)
      endPause = () => {
        timer.cancel()
        resolve()
      }
      if (isOver) endPause()
    })
  }
}

/** Once, and below what was last seen: that stays. Not among the snapshots of `--json`. */
function sayGone(options: StatusOptions, io: Io): void {
  const output = options.json === true ? io.stderr : io.stdout
  output.write('nothing answers any more: asking again every second, until Ctrl-C\n')
}

async function show(options: StatusOptions, io: Io): Promise<void> {
  const url = options.url === undefined ? await configuredUrl(io.cwd()) : snapshotAddress(options.url)
  const snapshot = await readSnapshot(url)
  if (options.json === true) {
    io.stdout.write(`${jsonText(snapshot)}\n`)
    return
  }
  const canRedraw = io.stdout.isTTY === true && io.env.TERM !== 'dumb'
  const redraw = options.watch === true && canRedraw ? REDRAW : ''
  io.stdout.write(`${redraw}${statusText(snapshot, url, painter(hasColor(io.stdout, io.env)))}`)
}

/** Where a process of this project answers; outside a project, where it would by default. */
async function configuredUrl(root: string): Promise<string> {
  if (!existsSync(join(root, configFile))) return 'http://127.0.0.1:9464'
  const { host, port } = (await loadProject(root)).config.http
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`
}

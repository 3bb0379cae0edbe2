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
  const { url, token } = await processOf(options, io)
  const snapshot = await readSnapshot(url, token)
  if (options.json === true) {
    io.stdout.write(`${jsonText(snapshot)}\n`)
    return
  }
  const canRedraw = io.stdout.isTTY === true && io.env.TERM !== 'dumb'
  const redraw = options.watch === true && canRedraw ? REDRAW : ''
  io.stdout.write(`${redraw}${statusText(snapshot, url, painter(hasColor(io.stdout, io.env)))}`)
}

interface RunningProcess {
  readonly url: string
  readonly token: string | undefined
}

/**
 * That of this project; outside a project, the one that would be there by default. The token of a config goes to the address of that config and to no
 * other: what answers at another one may be somebody else's.
 */
async function processOf({ url }: StatusOptions, { cwd, env }: Pick<Io, 'cwd' | 'env'>): Promise<RunningProcess> {
  const ofVariable = env.PYRALLEL_HTTP_TOKEN === '' ? undefined : env.PYRALLEL_HTTP_TOKEN
  if (url !== undefined) return { url: snapshotAddress(url), token: ofVariable }
  const root = cwd()
  if (!existsSync(join(root, configFile))) return { url: 'http://127.0.0.1:9464', token: ofVariable }
  const { host, port, token } = (await loadProject(root)).config.http
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return { url: `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`, token }
}

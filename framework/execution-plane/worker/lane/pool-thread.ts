/** One thread, kept by a poolifier pool of its own: how it is begun, spoken to and ended. Knows poolifier's ways; knows nothing of items. */
import { fileURLToPath } from 'node:url'
import type { ResourceLimits, Worker } from 'node:worker_threads'
import type { FixedThreadPool } from 'poolifier'
import { bug, toError } from '../../../model/errors.ts'
import { type FromThread, isFromThread, type ThreadSettings, type ToThread, TURN } from '../thread/thread-messages.ts'

export interface PoolThreadListener {
  onMessage(message: FromThread): void
  /** Something in the thread threw outside of any attempt, or the thread ran out of memory: its end follows. */
  onError(error: Error, why: string): void
  /** A message could not be sent or read: the two sides do not agree any more. Also told, after its reason, of a thread that is ending. */
  onBroken(why: string): void
  /** The last call. What the thread had posted before its end has been delivered. `why`: what ended it, if nobody here did. */
  onExit(why: string): void
}

/** Node has it from version 22.16 on. */
interface AsksForHeap {
  getHeapStatistics?(): Promise<{ readonly used_heap_size: number }>
}

/**
 * A pool each, because poolifier does not settle the promises of a thread that has died, and does not say which of several threads
 * a call went to. With one thread to a pool, all that was sent there is known.
 */
export class PoolThread {
  readonly #pool: FixedThreadPool<ToThread, void>
  readonly #worker: Worker
  readonly #listener: PoolThreadListener
  #error: Error | undefined
  #heap: { used: number | null; isAsked: boolean } = { used: null, isAsked: false }

  /** @param Pool poolifier's class, loaded by the caller: a process without worker handlers does without it */
  constructor(
    Pool: typeof FixedThreadPool,
    settings: ThreadSettings,
    resourceLimits: ResourceLimits,
    listener: PoolThreadListener,
  ) {
    this.#listener = listener
    const isTypeScript = settings.entry.endsWith('.ts')
    const file = isTypeScript ? new URL('../thread/worker-boot.mjs', import.meta.url) : settings.entry
    this.#pool = new Pool<ToThread, void>(1, fileURLToPath(file), {
      // Its emitter would end the process at an error that nobody listens for, and its queue costs five times as much per call.
      enableEvents: false,
      enableTasksQueue: false,
      restartWorkerOnError: false,
      workerChoiceStrategy: 'ROUND_ROBIN',
      // Bundled or not, a stack names the handler's own file and line.
      workerOptions: {
        workerData: settings,
        resourceLimits,
        execArgv: ['--enable-source-maps'],
        name: `pyrallel ${settings.handlerId}`,
      },
      // Not poolifier's own channel, but the thread's: Node delivers what stands in it before it tells the exit.
      messageHandler: (message: unknown) => {
        if (isFromThread(message)) listener.onMessage(message)
      },
      // Whatever the thread threw: of no certain type, and perhaps nothing at all.
      errorHandler: (thrown: unknown) => this.#onError(toError(thrown)),
    })
    const [node] = this.#pool.workerNodes
    if (node === undefined) throw bug('pool-thread', 'poolifier has made no thread')
    this.#worker = node.worker
    // poolifier would begin a new thread at once, in the same pool and without a pause: whether and when is the engine's decision.
    this.#worker.removeAllListeners('exit')
    this.#worker.once('exit', (code) => listener.onExit(whyOf(this.#error, code)))
    this.#worker.on('messageerror', (thrown: unknown) =>
      listener.onBroken(`a message of its thread could not be read: ${toError(thrown).message}`),
    )
  }

  /** Node's number of it; -1 once it has ended. */
  get id(): number {
    return this.#worker.threadId
  }

  /** As last heard: asks anew, and the answer counts from the next call on. A thread that is inside a native call answers late. */
  heapUsedBytes(): number | null {
    const asked: Worker & AsksForHeap = this.#worker
    if (asked.getHeapStatistics !== undefined && !this.#heap.isAsked) {
      this.#heap.isAsked = true
      asked.getHeapStatistics().then(
        ({ used_heap_size: used }) => {
          this.#heap = { used, isAsked: false }
        },
        // It has ended, or ends.
        () => {},
      )
    }
    return this.#heap.used
  }

  send(message: ToThread): void {
    const transfer = message.batch === undefined ? [] : [message.batch]
    // Nobody waits for the answer: it says no more than that the thread has taken the message, and never comes when the thread dies.
    this.#pool.execute(message, TURN, undefined, transfer).catch((thrown: unknown) => {
      this.#listener.onBroken(`its thread could not take a message: ${toError(thrown).message}`)
    })
  }

  /** Also out of an endless loop; not out of a native call, whose end is waited for. */
  terminate(): void {
    this.#worker.terminate().catch((thrown: unknown) => this.#onError(toError(thrown)))
  }

  #onError(error: Error): void {
    this.#error ??= error
    this.#listener.onError(error, whyFailed(error))
  }

  /** The process need not wait for this thread. */
  abandon(): void {
    this.#worker.unref()
  }
}

function whyOf(error: Error | undefined, exitCode: number): string {
  return error === undefined ? `its thread ended itself with exit code ${exitCode}` : whyFailed(error)
}

function whyFailed(error: Error): string {
  const { code } = error as { readonly code?: unknown }
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return `its thread ran out of memory: ${error.message}`
  return `its thread failed outside of any attempt: ${error.name}: ${error.message}`
}

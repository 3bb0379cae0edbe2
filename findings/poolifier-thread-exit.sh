#!/usr/bin/env bash
# poolifier 5.3.2 (npm): a thread that exits by itself while it has a task, in a pool with restartWorkerOnError: false.
#
# Guess: the task's promise is rejected, and the pool stays one thread short, because restarting is switched off.
# Seen:  the promise is never settled, and the pool begins a new thread all the same; the next task runs there.
# So:    whoever must answer for each task keeps a book of his own of what a thread had, and removes the pool's exit listener
#        where a thread that dies at its start must not be begun again without a pause.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >npm.log 2>&1
npm install --no-audit --no-fund --ignore-scripts poolifier@5.3.2 >>npm.log 2>&1 || { cat npm.log; exit 1; }
cat >worker.mjs <<'JS'
import { ThreadWorker } from 'poolifier'
export default new ThreadWorker((task) => (task === 'exit' ? process.exit(1) : task))
JS
cat >main.mjs <<'JS'
import { EventEmitter, once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { FixedThreadPool } from 'poolifier'
const events = new EventEmitter()
let online = 0
const pool = new FixedThreadPool(1, './worker.mjs', {
  restartWorkerOnError: false,
  enableTasksQueue: false,
  onlineHandler: () => events.emit('online', ++online),
  exitHandler: () => events.emit('exit'),
})
if (online === 0) await once(events, 'online')
const exited = once(events, 'exit')
let outcome = 'not settled'
pool.execute('exit').then(() => { outcome = 'fulfilled' }, () => { outcome = 'rejected' })
await exited
await wait(2_000)
console.log(`2 s after the thread has exited, its task is: ${outcome}`)
console.log(`threads begun: ${online}`)
console.log(`the next task: ${await pool.execute('answered')}`)
process.exit()
JS
cat >expected <<'TXT'
2 s after the thread has exited, its task is: not settled
threads begun: 2
the next task: answered
TXT
timeout 60 node main.mjs | tee seen
diff expected seen || { echo 'CHANGED: poolifier behaves differently now'; exit 1; }
echo 'as described: poolifier 5.3.2'

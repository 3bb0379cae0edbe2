/** Runs one long command of set-up: its output goes to a log file, a line every ten seconds tells that it is alive. */
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

const heartbeatMs = 10_000

export function say(text) {
  console.log(`setup: ${text}`)
}

export function seconds(sinceMs) {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`
}

/**
 * @param {string} what for the reader: `building the native Kafka client`
 * @param {readonly string[]} command
 * @param {{ log: string, cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs: number }} options `log` is appended to
 * @throws Error with the last lines of the output and the name of the log file
 */
export async function runLogged(what, command, options) {
  mkdirSync(dirname(options.log), { recursive: true })
  const log = openSync(options.log, 'a')
  const start = performance.now()
  const heartbeat = setInterval(() => say(`  … ${what}, ${seconds(start)} (output: ${options.log})`), heartbeatMs)
  try {
    writeSync(log, `\n$ ${command.join(' ')}\n`)
    const outcome = await finished(command, log, options)
    if (outcome !== 0) {
      throw new Error(
        `${what}: \`${command.join(' ')}\` ended with ${outcome}. Whole output: ${options.log}\n${tail(options.log)}`,
      )
    }
  } finally {
    clearInterval(heartbeat)
    closeSync(log)
  }
}

/** The exit code, the signal, or why the command could not be started. */
function finished([program, ...args], log, { cwd, env, timeoutMs }) {
  return new Promise((resolve) => {
    // A group of its own: make's compilers must not live on when the time is up.
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', log, log], detached: true })
    const endGroup = () => {
      try {
        process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    const timer = setTimeout(endGroup, timeoutMs)
    const interrupted = () => {
      endGroup()
      process.exit(130)
    }
    process.once('SIGINT', interrupted)
    process.once('SIGTERM', interrupted)
    const settle = (outcome) => {
      clearTimeout(timer)
      process.off('SIGINT', interrupted)
      process.off('SIGTERM', interrupted)
      resolve(outcome)
    }
    child.once('error', (error) => settle(error.message))
    child.once('exit', (code, signal) => settle(code ?? signal))
  })
}

function tail(file) {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-12).join('\n')
}

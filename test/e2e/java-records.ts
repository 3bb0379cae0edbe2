/** Records that Java's serializers write and read, in a process of their own: `java-serializers/RegistryRecords.java`. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { serializersCommand } from './java-serializers/install.mjs'
import type { RegistryProcess } from './registry-harness.ts'
import { registryProblem } from './registry-jars.mjs'

const limitMs = 60_000

export interface JavaRecords {
  readonly brokers: string
  readonly registry: RegistryProcess
  readonly topic: string
}

/** The sentence why they cannot be had here, or `undefined` when they can. */
export function javaRecordsProblem(): string | undefined {
  const problem = registryProblem()
  if (problem !== undefined) return problem
  return serializersCommand() === undefined
    ? "a registry's Java serializers are not in the cache (run: node .ci/setup.mjs --with-kafka)"
    : undefined
}

/** @param records key and value each; a value is Avro's own JSON. Registers the schema for `<topic>-value`, where it is not */
export async function javaWritesAvro(
  { brokers, registry, topic }: JavaRecords,
  schema: string,
  records: readonly (readonly [key: string, value: string])[],
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'pyrallel-java-'))
  try {
    const file = join(folder, 'records')
    const lines = [schema.replaceAll('\n', ' '), ...records.map((record) => record.join('\t'))]
    writeFileSync(file, `${lines.join('\n')}\n`)
    await run('avro-write', brokers, registry.ownUrl, topic, file)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The first records of a topic: key and value each, the value as Avro's own JSON in the schema that it was written with. */
export async function javaReadsAvro(
  { brokers, registry, topic }: JavaRecords,
  count: number,
): Promise<readonly (readonly [key: string, value: string])[]> {
  const out = await run('avro-read', brokers, registry.ownUrl, topic, String(count))
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [key = '', value = ''] = line.split('\t')
      return [key, value]
    })
}

async function run(...args: readonly string[]): Promise<string> {
  const [java, ...options] = serializersCommand() ?? []
  if (java === undefined) throw new Error(`No Java serializers here: ${javaRecordsProblem()}.`)
  const { stdout } = await promisify(execFile)(java, [...options, ...args], { timeout: limitMs, killSignal: 'SIGKILL' })
  return stdout
}

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

/** The classes of `java-serializers` that can be run. */
type JavaMain = 'RegistryRecords' | 'KeyRecords'

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
  const lines = [schema.replaceAll('\n', ' '), ...records.map((record) => record.join('\t'))]
  await write('avro-write', { brokers, registry, topic }, lines)
}

/**
 * @param records key and value each, Avro's own JSON; an empty key is none. Registers the schemas for `<topic>-key` and `<topic>-value`, where they are not
 * @returns the partition of each, as Java's default partitioner has chosen it
 */
export async function javaWritesKeys(
  java: JavaRecords,
  schemas: { readonly key: string; readonly value: string },
  records: readonly (readonly [key: string, value: string])[],
): Promise<readonly number[]> {
  const lines = [schemas.key, schemas.value, ...records.map((record) => record.join('\t'))]
  return rowsOf(await write('write', java, lines, { main: 'KeyRecords' })).map(([partition]) => Number(partition))
}

/** The first records of a topic, in no order over partitions: key and value each as Avro's own JSON, in the schemas that they were written with. */
export async function javaReadsKeys(
  { brokers, registry, topic }: JavaRecords,
  count: number,
): Promise<readonly { readonly partition: number; readonly key: string; readonly value: string }[]> {
  const rows = rowsOf(await runMain('KeyRecords', 'read', brokers, registry.ownUrl, topic, String(count)))
  return rows.map(([partition, key = '', value = '']) => ({ partition: Number(partition), key, value }))
}

/** @param records key and value each; one without a value is a tombstone. Refuses what the latest schema of `<topic>-value` does */
export async function javaWritesJson(
  java: JavaRecords,
  records: readonly (readonly [key: string, value?: string])[],
): Promise<void> {
  await write(
    'json-write',
    java,
    records.map((record) => record.join('\t')),
  )
}

export interface JavaProtobuf {
  /** The subject whose latest schema has the messages. Default: `<topic>-value`; with another, Java registers for `<topic>-value` what it makes of that one. */
  readonly source?: string
  /** What stands between the id and the value. Default: Confluent's indexes. `in full`: without their short form. `apicurio`: a message of its own. */
  readonly layout?: 'confluent' | 'confluent in full' | 'apicurio'
}

/** @param records key, full name of the message and its value in JSON each */
export async function javaWritesProtobuf(
  java: JavaRecords,
  records: readonly (readonly [key: string, message: string, value: string])[],
  { source = `${java.topic}-value`, layout = 'confluent' }: JavaProtobuf = {},
): Promise<void> {
  const lines = records.map((record) => record.join('\t'))
  await write('proto-write', java, lines, { options: [source, layout.toUpperCase().replaceAll(' ', '_')] })
}

async function write(
  verb: string,
  { brokers, registry, topic }: JavaRecords,
  lines: readonly string[],
  { main = 'RegistryRecords', options = [] }: { readonly main?: JavaMain; readonly options?: readonly string[] } = {},
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'pyrallel-java-'))
  try {
    const file = join(folder, 'records')
    writeFileSync(file, `${lines.join('\n')}\n`)
    return await runMain(main, verb, brokers, registry.ownUrl, topic, ...options, file)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The first records of a topic: key and value each, the value as Avro's own JSON in the schema that it was written with. */
export async function javaReadsAvro(
  java: JavaRecords,
  count: number,
): Promise<readonly (readonly [key: string, value: string])[]> {
  return pairs(await read('avro-read', java, count))
}

/** The same of JSON. Java refuses what does not satisfy the schema that it was written with. */
export async function javaReadsJson(
  java: JavaRecords,
  count: number,
): Promise<readonly (readonly [key: string, value: string])[]> {
  return pairs(await read('json-read', java, count))
}

/** The same of Protobuf, with the full name of the message that each value is; fields that have their default are left out. */
export async function javaReadsProtobuf(
  java: JavaRecords,
  count: number,
): Promise<readonly (readonly [key: string, message: string, value: string])[]> {
  return (await read('proto-read', java, count)).map(([key = '', message = '', value = '']) => [key, message, value])
}

/** The parts of each line. */
async function read(
  verb: string,
  { brokers, registry, topic }: JavaRecords,
  count: number,
): Promise<readonly (readonly string[])[]> {
  return rowsOf(await runMain('RegistryRecords', verb, brokers, registry.ownUrl, topic, String(count)))
}

function pairs(lines: readonly (readonly string[])[]): readonly (readonly [key: string, value: string])[] {
  return lines.map(([key = '', value = '']) => [key, value])
}

function rowsOf(out: string): readonly (readonly string[])[] {
  const lines = out.split('\n').filter((line) => line !== '')
  return lines.map((line) => line.split('\t'))
}

async function runMain(main: JavaMain, ...args: readonly string[]): Promise<string> {
  const [java, ...options] = serializersCommand(main) ?? []
  if (java === undefined) throw new Error(`No Java serializers here: ${javaRecordsProblem()}.`)
  const { stdout } = await promisify(execFile)(java, [...options, ...args], { timeout: limitMs, killSignal: 'SIGKILL' })
  return stdout
}

/** Starts a real schema registry (Apicurio, in the interface of Confluent's) for a test, on a free loopback port, with its data in a directory that is removed afterwards. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { JvmSupervision } from './jvm-supervision.ts'
import { freePorts } from './kafka-harness.ts'
import { registryJar, registryProblem } from './registry-jars.mjs'

export interface NewSchema {
  readonly schema: string
  /** Default: AVRO. */
  readonly schemaType?: 'AVRO' | 'PROTOBUF' | 'JSON'
  readonly references?: readonly { readonly name: string; readonly subject: string; readonly version: number }[]
}

export class RegistryProcess {
  /** For `registry.url`. */
  readonly url: string
  /** For serializers of Apicurio's own, which speak another interface. */
  readonly ownUrl: string
  readonly #supervision: JvmSupervision

  constructor(port: number, supervision: JvmSupervision) {
    this.url = `http://127.0.0.1:${port}/apis/ccompat/v7`
    this.ownUrl = `http://127.0.0.1:${port}/apis/registry/v2`
    this.#supervision = supervision
  }

  get supervisorPid(): number | undefined {
    return this.#supervision.pid
  }

  /** Again, with the data it had. Settles when it serves. */
  async start(): Promise<void> {
    await this.#supervision.ask('start', 1)
  }

  /** By SIGKILL. What it had acknowledged is in its directory. */
  async kill(): Promise<void> {
    await this.#supervision.ask('kill', 1)
  }

  /** By SIGSTOP: its connections live, and it answers nothing until `thaw`. */
  async freeze(): Promise<void> {
    await this.#supervision.ask('freeze', 1)
  }

  async thaw(): Promise<void> {
    await this.#supervision.ask('thaw', 1)
  }

  /** @returns the id of the schema */
  async register(subject: string, schema: NewSchema): Promise<number> {
    const response = await fetch(`${this.url}/subjects/${encodeURIComponent(subject)}/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify(schema),
    })
    const answer = (await response.json()) as { readonly id?: number }
    if (!response.ok || answer.id === undefined) throw new Error(`${subject} is refused: ${JSON.stringify(answer)}`)
    return answer.id
  }

  /** @param level of compatibility that the registry asks of new versions */
  async configure(subject: string, level: 'NONE' | 'BACKWARD'): Promise<void> {
    const response = await fetch(`${this.url}/config/${encodeURIComponent(subject)}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ compatibility: level }),
    })
    if (!response.ok) throw new Error(`the compatibility of ${subject} is refused: ${await response.text()}`)
  }

  async remove(subject: string): Promise<void> {
    const response = await fetch(`${this.url}/subjects/${encodeURIComponent(subject)}`, { method: 'DELETE' })
    if (!response.ok) throw new Error(`${subject} is not removed: ${await response.text()}`)
  }

  /** Ends it and removes the directory. May be called twice. */
  async stop(): Promise<void> {
    await this.#supervision.end()
  }
}

/** @throws Error with the next step, when no registry can be had here; with its last log lines, when it does not start */
export async function startRegistry(): Promise<RegistryProcess> {
  const problem = registryProblem()
  if (problem !== undefined) throw new Error(`No real registry here: ${problem}.`)
  const [port = 0] = await freePorts(1)
  const directory = mkdtempSync(join(tmpdir(), 'pyrallel-registry-'))
  const supervision = new JvmSupervision('registry-supervisor.mjs', [directory, registryJar(), String(port)])
  const registry = new RegistryProcess(port, supervision)
  try {
    await registry.start()
    return registry
  } catch (error) {
    await registry.stop()
    throw error
  }
}

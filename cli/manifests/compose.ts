/** The same app on one machine: a file for Docker Compose, with what the image cannot say itself. Pure. */
import { variableOf } from '../../framework/config/option-variables.ts'
import { healthCheck } from '../build/container-files.ts'
import type { AppFacts } from './app-facts.ts'
import type { ManifestFile } from './manifest-file.ts'
import { noted, type YamlMap, yamlDocument } from './yaml.ts'

/** @param context where the build is, seen from the file */
export function composeFiles(facts: AppFacts, context: string): readonly ManifestFile[] {
  const { name, image, port, credentials, resources } = facts
  const { secret } = credentials
  const files = secret.filter(({ by }) => by.kind === 'file')
  const brokers = variableOf('kafka.brokers')
  const check = healthCheck({ enabled: true, host: '127.0.0.1', port })
  const required = (variable: string) => `\${${variable}:?not set}`
  const environment: YamlMap = {
    [brokers]: noted(
      'Of the shell, or of a file .env beside this one: as a container reaches them, which has a 127.0.0.1 of its own.',
      required(brokers),
    ),
    [variableOf('http.enabled')]: 'true',
    [variableOf('http.host')]: '0.0.0.0',
    [variableOf('http.port')]: String(port),
    UV_THREADPOOL_SIZE: resources.uvThreads === undefined ? undefined : String(resources.uvThreads),
    ...Object.fromEntries(
      secret.map(({ key, by }) => (by.kind === 'file' ? [by.variable, `/run/secrets/${key}`] : [key, required(key)])),
    ),
  }
  const service: YamlMap = {
    image,
    build: context,
    command: ['node', `--max-old-space-size=${resources.heapMiB}`, 'server.mjs'],
    environment,
    secrets: files.length === 0 ? undefined : files.map(({ key }) => key),
    ports: noted('On loopback only: snapshots hold keys of records, and there is no password.', [
      `127.0.0.1:${port}:${port}`,
    ]),
    user: '1000:1000',
    read_only: true,
    tmpfs: ['/tmp'],
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    mem_limit: `${resources.memoryMiB}m`,
    restart: 'unless-stopped',
    stop_grace_period: noted(
      'shutdown.drain, and the bounds of all that comes after it. The default of 10 s would cut off what is in flight.',
      `${facts.graceSeconds}s`,
    ),
    healthcheck: {
      test: ['CMD', ...check],
      interval: '10s',
      timeout: '5s',
      start_period: '30s',
      retries: 3,
    },
  }
  const content = yamlDocument(
    'Made by `pyrallel build --target compose`: for one machine. What is yours belongs into a compose.override.yaml beside it.\n  docker compose up --build',
    {
      name,
      services: { [name]: service },
      secrets:
        files.length === 0
          ? undefined
          : noted(
              'Each is a file beside this one, which user 1000 can read and nobody else, and which no repository has.',
              Object.fromEntries(files.map(({ key }) => [key, { file: `./secrets/${key}` }])),
            ),
    },
  )
  return [{ path: 'compose.yaml', content }]
}

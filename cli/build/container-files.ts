/** The text of the files that put a bundle into a container. Pure. */
import type { HttpSettings } from '../../framework/model/settings.ts'

/** The oldest line of Node that is still maintained, and that the native client has binaries for. Slim and with glibc: what these are made for. */
const BASE_IMAGE = 'node:22-bookworm-slim'

export interface DistManifest {
  /** Of the user's project. */
  readonly name: string
  readonly version: string
  /** Of what stays outside the bundle: exact versions. */
  readonly dependencies: Readonly<Record<string, string>>
  /** Those among them whose install scripts must run. */
  readonly built: readonly string[]
}

export function distManifest({ name, version, dependencies, built }: DistManifest): string {
  const manifest = {
    name,
    version,
    private: true,
    type: 'module',
    main: 'server.mjs',
    scripts: { start: 'node server.mjs' },
    engines: { node: '>=20.19.0' },
    dependencies,
    // One for npm, one for pnpm, one for Bun: each blocks install scripts unless it is told otherwise.
    allowScripts: Object.fromEntries(built.map((each) => [each, true])),
    pnpm: { onlyBuiltDependencies: built },
    trustedDependencies: built,
  }
  return `${JSON.stringify(manifest, null, 2)}\n`
}

export interface ImageSettings {
  readonly http: HttpSettings
  /** A reference with a digest cannot change: `node:22-bookworm-slim@sha256:...`. Default: a tag of Node's. */
  readonly baseImage?: string | undefined
  readonly isLocked: boolean
  /** Something is to be installed. */
  readonly hasOutside: boolean
  /** What the process may take to end. */
  readonly graceSeconds: number
}

export function dockerfile({
  http,
  baseImage = BASE_IMAGE,
  isLocked,
  hasOutside,
  graceSeconds,
}: ImageSettings): string {
  return `# Made by \`pyrallel build\`: docker build -t my-service dist
# A tag may become another image: with --build-arg BASE_IMAGE=name@sha256:... it is always the same.
ARG BASE_IMAGE=${baseImage}
${hasOutside ? installStage(isLocked) : ''}FROM \${BASE_IMAGE}
# For brokers that are reached through TLS.
RUN apt-get update \\
  && apt-get install -y --no-install-recommends ca-certificates \\
  && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
WORKDIR /app
${hasOutside ? 'COPY --from=dependencies /app/node_modules ./node_modules\n' : ''}COPY . .
# The user \`node\` by its number: Kubernetes lets nobody run whom it cannot see to be no root.
USER 1000:1000
# Finishes what is in flight and commits it. That may take ${graceSeconds} s (shutdown.drain, and the bounds of the rest): docker stop --time ${graceSeconds}
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \\
  CMD ${JSON.stringify(healthCheck(http))}
CMD ["node", "server.mjs"]
`
}

function installStage(isLocked: boolean): string {
  return `FROM \${BASE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json${isLocked ? ' package-lock.json' : ''} ./
# Here and not in the bundle, so that machine code is that of this image.
RUN ${isLocked ? 'npm ci' : 'npm install'} --omit=dev --no-audit --no-fund

`
}

/** Ends with 0 when the server lives. Without its HTTP endpoints, that its process is there is all that can be asked. */
export function healthCheck({
  enabled,
  port,
  host,
}: Pick<HttpSettings, 'enabled' | 'port' | 'host'>): readonly string[] {
  if (!enabled || port === 0) return ['node', '-e', 'process.kill(1, 0)']
  const isEverywhere = host === '0.0.0.0' || host === '::'
  const name = isEverywhere ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
  const url = `http://${name}:${port}/livez`
  return ['node', '-e', `fetch('${url}').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))`]
}

export const dockerIgnore = `# Made by \`pyrallel build\`. The image installs its own.
node_modules
npm-debug.log
Dockerfile
.dockerignore
# Manifests of --target.
kubernetes
compose
`

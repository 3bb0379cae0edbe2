/**
 * Gets the native Kafka client to load: from the cache, from its maker's prebuilt binary, or built from the sources in its npm package.
 * Touches only that package's build directory, the cache, and (when headers are missing) the system's packages.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { cacheDir } from './cache-dir.mjs'
import { runLogged, say, seconds } from './run-logged.mjs'

const packageName = '@confluentinc/kafka-javascript'
const prebuiltTimeoutMs = 15_000
const packagesTimeoutMs = 300_000
const buildTimeoutMs = 1_200_000

/** What librdkafka links with, and the header that shows that the Debian package is there. */
const headers = {
  'zlib1g-dev': 'zlib.h',
  'libssl-dev': 'openssl/ssl.h',
  'libzstd-dev': 'zstd.h',
  'libcurl4-openssl-dev': 'curl/curl.h',
  'libsasl2-dev': 'sasl/sasl.h',
}
const tools = { make: 'build-essential', 'g++': 'build-essential', python3: 'python3' }

export class NativeClient {
  #root
  #directory
  #log = join(cacheDir(), 'native-build.log')

  /** @param {string} root of the checkout */
  constructor(root) {
    this.#root = root
    this.#directory = join(root, 'node_modules', packageName)
  }

  /** @throws Error that says what is missing and what to do */
  async ensure() {
    if (this.#loads()) return this.#keep()
    if (!existsSync(this.#directory))
      throw new Error(`${packageName} is not in node_modules (npm left it out as an optional dependency)`)
    rmSync(this.#log, { force: true })
    if (this.#restore()) return say('native Kafka client: taken from the cache')
    if (await this.#download()) {
      say('native Kafka client: its prebuilt binary was downloaded')
      return this.#keep()
    }
    const start = performance.now()
    await this.#build()
    if (!this.#loads()) throw new Error(`the native Kafka client was built, but does not load:\n${this.#loadError()}`)
    say(`native Kafka client: built in ${seconds(start)}`)
    this.#keep()
  }

  /** Puts the binary that loads into the cache, for the next clone. */
  #keep() {
    const target = this.#cached()
    if (existsSync(target)) return
    mkdirSync(dirname(target), { recursive: true })
    const scratch = mkdtempSync(`${target}.partial-`)
    copyBinaries(join(this.#directory, 'build'), scratch)
    try {
      renameSync(scratch, target)
    } catch {
      // Another set-up has just put the same there.
      rmSync(scratch, { recursive: true, force: true })
    }
  }

  #restore() {
    if (!existsSync(this.#cached())) return false
    copyBinaries(this.#cached(), join(this.#directory, 'build'))
    if (this.#loads()) return true
    say('native Kafka client: the cached one does not load any more; it is built anew')
    rmSync(this.#cached(), { recursive: true, force: true })
    rmSync(join(this.#directory, 'build'), { recursive: true, force: true })
    return false
  }

  /** True when the maker's binary for this platform could be had within seconds, and loads. */
  async #download() {
    const installer = join(this.#root, 'node_modules', '@mapbox', 'node-pre-gyp', 'bin', 'node-pre-gyp')
    try {
      await runLogged('downloading the prebuilt native client', [process.execPath, installer, 'install'], {
        log: this.#log,
        cwd: this.#directory,
        timeoutMs: prebuiltTimeoutMs,
      })
    } catch {
      say('native Kafka client: its prebuilt binary cannot be had here')
      return false
    }
    return this.#loads()
  }

  async #build() {
    await this.#installHeaders()
    const nodedir = await this.#nodeHeaders()
    const jobs = String(availableParallelism())
    say(
      `native Kafka client: building from its sources with ${jobs} jobs, about 150 s of processor time (once, then cached)`,
    )
    const options = {
      log: this.#log,
      cwd: this.#directory,
      timeoutMs: buildTimeoutMs,
      env: {
        ...process.env,
        CKJS_LINKING: 'dynamic',
        JOBS: jobs,
        // Its prebuilt binary has been tried already, within bounds.
        npm_config_build_from_source: packageName,
        ...(nodedir === undefined ? {} : { npm_config_nodedir: nodedir }),
      },
    }
    // The package's own build would do all three, but it compiles librdkafka with as many jobs as there are files, and with several
    // jobs it compiles the addon before librdkafka is configured. Done one after the other, neither happens.
    await runLogged('configuring librdkafka', [process.execPath, join('util', 'configure.js')], options)
    const make = ['make', `-j${jobs}`, '-C', join('deps', 'librdkafka'), 'libs']
    await runLogged('compiling librdkafka', make, options)
    const rebuild = ['npm', 'rebuild', '--foreground-scripts', packageName]
    await runLogged('compiling the addon', rebuild, { ...options, cwd: this.#root })
  }

  async #installHeaders() {
    const missing = missingPackages()
    if (missing.length === 0) return
    if (!isThere('apt-get')) {
      say(`native Kafka client: the build may need ${missing.join(', ')} (Debian's names)`)
      return
    }
    const root = process.getuid?.() === 0 ? [] : ['sudo', '-n']
    const apt = [...root, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q']
    say(`native Kafka client: installing ${missing.join(' ')} by ${root.length === 0 ? '' : 'sudo '}apt-get`)
    const options = { log: this.#log, timeoutMs: packagesTimeoutMs }
    try {
      await runLogged('apt-get update', [...apt, 'update'], options)
      await runLogged('apt-get install', [...apt, 'install', '-y', '--no-install-recommends', ...missing], options)
    } catch (error) {
      throw new Error(`${error.message}\nInstall them by hand and run this again: apt-get install ${missing.join(' ')}`)
    }
  }

  /** Where node-gyp finds the headers of this very Node; `undefined` lets it download them itself. */
  async #nodeHeaders() {
    const near = [dirname(dirname(process.execPath)), '/usr'].find(hasNodeHeaders)
    if (near !== undefined) return near
    const version = process.versions.node
    const prefix = join(cacheDir(), 'node-headers', version)
    const name = `node-${process.platform}-${process.arch}`
    const home = join(prefix, 'node_modules', name)
    if (hasNodeHeaders(home)) return home
    say(`native Kafka client: taking Node's headers from the npm package ${name}@${version}`)
    mkdirSync(prefix, { recursive: true })
    const command = [
      'npm',
      'install',
      '--ignore-scripts',
      '--no-save',
      '--no-package-lock',
      '--prefix',
      prefix,
      `${name}@${version}`,
    ]
    try {
      await runLogged("getting Node's headers", command, { log: this.#log, timeoutMs: packagesTimeoutMs })
    } catch {
      say(`native Kafka client: ${name}@${version} cannot be had; node-gyp will try to download the headers`)
    }
    return hasNodeHeaders(home) ? home : undefined
  }

  #loads() {
    return this.#tryLoading().status === 0
  }

  #loadError() {
    return (
      this.#tryLoading()
        .stderr.split('\n')
        .find((line) => line.includes('Error')) ?? 'no reason was given'
    )
  }

  // In a child: an addon built for another Node can abort the process that loads it.
  #tryLoading() {
    const script = `process.exit(require('${packageName}/librdkafka.js').Producer ? 0 : 1)`
    return spawnSync(process.execPath, ['-e', script], { cwd: this.#root, encoding: 'utf8', timeout: 30_000 })
  }

  #cached() {
    const { version } = JSON.parse(readFileSync(join(this.#directory, 'package.json'), 'utf8'))
    const glibc = process.report?.getReport().header.glibcVersionRuntime
    const libc = process.platform === 'linux' ? `-${glibc === undefined ? 'musl' : `glibc${glibc}`}` : ''
    const name = `${version}-node${process.versions.modules}-${process.platform}-${process.arch}${libc}`
    return join(cacheDir(), 'native', name)
  }
}

/** The addon and the two shared libraries beside it; not the 70 MB of objects, archives and link names. */
function copyBinaries(from, to) {
  for (const part of ['Release', 'deps']) {
    const source = join(from, part)
    if (!existsSync(source)) continue
    for (const file of readdirSync(source)) {
      if (!/\.node$|\.so\.\d+$|\.dylib$/.test(file)) continue
      cpSync(join(source, file), join(to, part, file), { dereference: true })
    }
  }
}

function missingPackages() {
  const include = ['/usr/include', '/usr/local/include']
  if (process.platform === 'linux' && existsSync('/usr/include')) {
    include.push(
      ...readdirSync('/usr/include')
        .filter((name) => name.includes('-linux-'))
        .map((name) => `/usr/include/${name}`),
    )
  }
  const missing = Object.entries(headers)
    .filter(([, header]) => !include.some((directory) => existsSync(join(directory, header))))
    .map(([name]) => name)
  for (const [tool, name] of Object.entries(tools)) if (!isThere(tool)) missing.push(name)
  return [...new Set(missing)]
}

function isThere(program) {
  return (process.env.PATH ?? '').split(':').some((directory) => existsSync(join(directory, program)))
}

function hasNodeHeaders(home) {
  const file = join(home, 'include', 'node', 'node_version.h')
  if (!existsSync(file)) return false
  const text = readFileSync(file, 'utf8')
  const part = (name) => new RegExp(`#define NODE_${name}_VERSION (\\d+)`).exec(text)?.[1]
  return `${part('MAJOR')}.${part('MINOR')}.${part('PATCH')}` === process.versions.node
}

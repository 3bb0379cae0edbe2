/** Bundles an app for production, and once more where that has shown packages that have to stay outside. */

import { PROTOBUF_PACKAGE } from '../../framework/formats/protobuf/protobuf-library.ts'
import { type BegunBundle, type BundleEntry, type Bundler, openBundler } from '../bundle/bundle-app.ts'
import { type InstalledPackage, readManifest } from '../bundle/installed-package.ts'
import { nativePackages } from '../bundle/native-packages.ts'
import type { Diagnostic } from '../diagnostics/diagnostic.ts'
import { BoundPackages } from './bound-packages.ts'
import { isProtobufMissing, refuseProtobuf } from './format-libraries.ts'
import { javascriptLibrary, modulesInstead, type ShippedClient } from './kafka-clients.ts'
import { nativeClient } from './outside-packages.ts'

/** One copy in a process is all that OpenTelemetry allows, and it is the user's. */
const tracingApi = '@opentelemetry/api'

export interface AppBundleSettings {
  readonly root: string
  readonly folder: string
  /** Packages that the user wants outside. */
  readonly external: readonly string[]
  readonly sourceMaps: boolean
}

export interface SettledBundle {
  /** Nothing is written yet. */
  readonly begun: BegunBundle
  readonly externals: readonly string[]
  /** Packages that are outside because of machine code: their install scripts must run. */
  readonly natives: readonly InstalledPackage[]
  /** All that are outside because of what they are. */
  readonly found: readonly InstalledPackage[]
  readonly warnings: readonly Diagnostic[]
}

export class AppBundle {
  readonly #settings: AppBundleSettings
  readonly #natives: readonly InstalledPackage[]
  /** What turned out to look for files beside its own. */
  readonly #bound: InstalledPackage[] = []
  /** Most have this one; which it is to be is known once the config was read. */
  #client: ShippedClient = 'librdkafka'
  #bundler: Bundler
  #begun: BegunBundle | undefined

  private constructor(settings: AppBundleSettings, natives: readonly InstalledPackage[], bundler: Bundler) {
    this.#settings = settings
    this.#natives = natives
    this.#bundler = bundler
  }

  static async open(settings: AppBundleSettings): Promise<AppBundle> {
    const natives = nativePackages(settings.root)
    return new AppBundle(settings, natives, await openFor(settings, natives, 'librdkafka'))
  }

  async begin(entries: readonly BundleEntry[]): Promise<void> {
    this.#begun = await this.#bundler.begin(entries)
  }

  /** @param isStale what was begun is of other sources */
  async settle(
    entries: readonly BundleEntry[],
    { isStale, client }: { readonly isStale: boolean; readonly client: ShippedClient },
  ): Promise<SettledBundle> {
    const isOther = client !== this.#client
    this.#client = client
    if (isOther) await this.#reopen(this.#natives)
    let begun = (isStale || isOther ? undefined : this.#begun) ?? (await this.#bundler.begin(entries))
    for (;;) {
      const look = await begun.look()
      if (this.#isWithoutProtobuf) refuseProtobuf(this.#settings.root, look.inputs.keys())
      const bound = look.uses.length === 0 ? nothing : new BoundPackages(this.#settings.root).of(look)
      const found = [...this.#natives, ...this.#bound]
      const more = bound.outside.filter(({ name }) => this.#bound.every((each) => each.name !== name))
      const outside = more.filter(({ name }) => this.#natives.every((each) => each.name !== name))
      this.#bound.push(...more)
      if (outside.length === 0) {
        const externals = [...look.externals, ...this.#bound.map(({ name }) => name)]
        return { begun, externals, natives: this.#natives, found, warnings: bound.warnings }
      }
      await this.#reopen([...found, ...outside])
      begun = await this.#bundler.begin(entries)
    }
  }

  async close(): Promise<void> {
    await this.#bundler.close()
  }

  /** Where the user has it outside, it is the user's to install. */
  get #isWithoutProtobuf(): boolean {
    return isProtobufMissing() && !this.#settings.external.includes(PROTOBUF_PACKAGE)
  }

  async #reopen(found: readonly InstalledPackage[]): Promise<void> {
    await this.#bundler.close()
    this.#bundler = await openFor(this.#settings, found, this.#client)
  }
}

/** Whether the project has anything of OpenTelemetry: then it has the API, too, and that copy is to be the only one. */
function isTraced(root: string): boolean {
  const { dependencies, optionalDependencies } = readManifest(root)
  return Object.keys({ ...dependencies, ...optionalDependencies }).some((name) => name.startsWith('@opentelemetry/'))
}

const nothing = { outside: [], warnings: [] }

function openFor(
  settings: AppBundleSettings,
  found: readonly InstalledPackage[],
  client: ShippedClient,
): Promise<Bundler> {
  const { root, folder, sourceMaps } = settings
  const native = client === 'librdkafka' ? [nativeClient] : []
  // A build that needs nothing else to be installed brings the API.
  const tracing = client === 'librdkafka' || isTraced(root) ? [tracingApi] : []
  // Where it is not installed, nothing imports it when it runs: who does is refused.
  const formats = isProtobufMissing() ? [PROTOBUF_PACKAGE] : []
  const external = [...native, ...tracing, ...formats, ...found.map(({ name }) => name), ...settings.external]
  const instead = modulesInstead(client)
  const definitionsOnly = client === 'javascript' ? [javascriptLibrary] : []
  const dependencies = { external }
  return openBundler({ root, outDir: folder, naming: 'plain', dependencies, sourceMaps, instead, definitionsOnly })
}

/** Bundles an app for production, and once more where that has shown packages that have to stay outside. */

import { type BegunBundle, type BundleEntry, type Bundler, openBundler } from '../bundle/bundle-app.ts'
import type { InstalledPackage } from '../bundle/installed-package.ts'
import { nativePackages } from '../bundle/native-packages.ts'
import type { Diagnostic } from '../diagnostics/diagnostic.ts'
import { BoundPackages } from './bound-packages.ts'
import { javascriptClient, nativeClient } from './outside-packages.ts'

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
  #bundler: Bundler
  #begun: BegunBundle | undefined

  private constructor(settings: AppBundleSettings, natives: readonly InstalledPackage[], bundler: Bundler) {
    this.#settings = settings
    this.#natives = natives
    this.#bundler = bundler
  }

  static async open(settings: AppBundleSettings): Promise<AppBundle> {
    const natives = nativePackages(settings.root)
    return new AppBundle(settings, natives, await openFor(settings, natives))
  }

  async begin(entries: readonly BundleEntry[]): Promise<void> {
    this.#begun = await this.#bundler.begin(entries)
  }

  /** @param isStale what was begun is of other sources */
  async settle(entries: readonly BundleEntry[], { isStale }: { readonly isStale: boolean }): Promise<SettledBundle> {
    let begun = (isStale ? undefined : this.#begun) ?? (await this.#bundler.begin(entries))
    for (;;) {
      const look = await begun.look()
      const bound = look.uses.length === 0 ? nothing : new BoundPackages(this.#settings.root).of(look)
      const found = [...this.#natives, ...this.#bound]
      const more = bound.outside.filter(({ name }) => this.#bound.every((each) => each.name !== name))
      const outside = more.filter(({ name }) => this.#natives.every((each) => each.name !== name))
      this.#bound.push(...more)
      if (outside.length === 0) {
        const externals = [...look.externals, ...this.#bound.map(({ name }) => name)]
        return { begun, externals, natives: this.#natives, found, warnings: bound.warnings }
      }
      await this.#bundler.close()
      this.#bundler = await openFor(this.#settings, [...found, ...outside])
      begun = await this.#bundler.begin(entries)
    }
  }

  async close(): Promise<void> {
    await this.#bundler.close()
  }
}

const nothing = { outside: [], warnings: [] }

function openFor(settings: AppBundleSettings, found: readonly InstalledPackage[]): Promise<Bundler> {
  const { root, folder, sourceMaps } = settings
  const external = [nativeClient, javascriptClient, tracingApi, ...found.map(({ name }) => name), ...settings.external]
  return openBundler({ root, outDir: folder, naming: 'plain', dependencies: { external }, sourceMaps })
}

/** How the project's imports are resolved, and which files say so: tsconfig.json, what that extends, and package.json. Opens no source. */
import { existsSync, realpathSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { ts } from 'ts-morph'
import { type TsconfigFault, tsconfigFaults } from './tsconfig-faults.ts'

export class Resolution {
  /** Of the compiler: those that decide where an import leads. */
  readonly options: ts.CompilerOptions
  readonly faults: readonly TsconfigFault[]
  /** Also such that are not there: one that comes counts. */
  readonly #files: Set<string>
  /** Where imports that lead nowhere could lead. */
  readonly #missing = new Set<string>()
  readonly #host: ts.ModuleResolutionHost

  constructor(root: string) {
    const configs = new Set([join(root, 'tsconfig.json')])
    const { options, errors } = readConfig(root, configs)
    this.options = { ...standard, ...options }
    this.faults = tsconfigFaults(configs, errors)
    this.#files = new Set([...configs, join(root, 'package.json')])
    this.#host = { ...ts.sys, fileExists: (path) => this.#fileExists(path) }
  }

  /** Where an import leads, absolute; `undefined`: nowhere. */
  resolve(specifier: string, from: string): string | undefined {
    const { resolvedModule } = ts.resolveModuleName(specifier, from, this.options, this.#host)
    if (resolvedModule === undefined) this.#lookFor(specifier, from)
    return resolvedModule?.resolvedFileName
  }

  /** Absolute; more with every import that is resolved. */
  files(): readonly string[] {
    return [...this.#files, ...this.#missing]
  }

  /** Imports that led nowhere are resolved again. */
  forgetMissing(): void {
    this.#missing.clear()
  }

  dependsOn(file: string): boolean {
    return this.#files.has(file)
  }

  /** Asked of every place, also of those whose folder is not there. A package that is installed is told by package.json. */
  #lookFor(specifier: string, from: string): void {
    const fileExists = (path: string) => {
      const isThere = ts.sys.fileExists(path)
      if (!isThere && !isInstalled(path)) this.#missing.add(resolve(path))
      return isThere
    }
    ts.resolveModuleName(specifier, from, this.options, { fileExists, readFile: ts.sys.readFile })
  }

  /** `imports` and `exports` of a package are looked for in every folder above the file. */
  #fileExists(path: string): boolean {
    const isThere = ts.sys.fileExists(path)
    if (basename(path) !== 'package.json') return isThere
    // A workspace's package is linked into node_modules, where nobody edits it.
    const place = isThere ? realpathSync(path) : resolve(path)
    if (!isInstalled(place)) this.#files.add(place)
    return isThere
  }
}

const standard: ts.CompilerOptions = {
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
}

// `pathsBasePath` is set by the parser: the folder of the file that `paths` stand in.
const resolutionOptions = [
  'module',
  'moduleResolution',
  'paths',
  'pathsBasePath',
  'baseUrl',
  'rootDirs',
  'customConditions',
  'resolveJsonModule',
  'esModuleInterop',
]

/** @param configs is given the files that it extends, also those that are looked for in vain */
function readConfig(
  root: string,
  configs: Set<string>,
): { readonly options: ts.CompilerOptions; readonly errors: readonly ts.Diagnostic[] } {
  const path = join(root, 'tsconfig.json')
  if (!existsSync(path)) return { options: {}, errors: [] }
  const parsed = ts.getParsedCommandLineOfConfigFile(path, undefined, {
    ...ts.sys,
    // Which files the project has is no matter here.
    readDirectory: () => [],
    fileExists: (file: string) => {
      const isThere = ts.sys.fileExists(file)
      if (!isThere && file.endsWith('.json') && !isInstalled(file)) configs.add(resolve(file))
      return isThere
    },
    readFile: (file: string, encoding?: string) => {
      configs.add(resolve(file))
      return ts.sys.readFile(file, encoding)
    },
    // Of tsconfig.json itself, which is there.
    onUnRecoverableConfigFileDiagnostic: () => {},
  })
  const { options = {}, errors = [] } = parsed ?? {}
  const known = Object.entries(options).filter(([name]) => resolutionOptions.includes(name))
  return { options: Object.fromEntries(known), errors }
}

function isInstalled(path: string): boolean {
  return /[\\/]node_modules[\\/]/.test(path)
}

/**
 * Packages that code imports and that are not installed. To be found out before Node is asked: where it has once looked for a package in vain, Node 20
 * remembers that there was no package.json, and does not find the package either once it is installed.
 */
import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, resolve } from 'node:path'
import { codeFrame, type Diagnostic, positionOf } from '../diagnostics/diagnostic.ts'
import type { BundleDone } from './bundle-done.ts'
import { packageFolder, packageName, readManifest } from './installed-package.ts'

export interface MissingPackages {
  readonly diagnostics: readonly Diagnostic[]
  /** Files that are there once they are installed; absolute. */
  readonly missing: readonly string[]
}

export function missingPackages(root: string, { needed }: BundleDone): MissingPackages {
  const names = [...needed].flatMap(([specifier, file]) =>
    isOfPackage(specifier) && !isThere(packageName(specifier), root)
      ? [{ specifier, file, name: packageName(specifier) }]
      : [],
  )
  return {
    diagnostics: names.map(({ specifier, file, name }) => diagnosticOf(root, file, specifier, name)),
    missing: names.map(({ name }) => join(root, 'node_modules', name, 'package.json')),
  }
}

/** Not `#lib/x`, which package.json says, nor a URL. Yarn's Plug'n'Play has no folder to look into. */
function isOfPackage(specifier: string): boolean {
  return !/^[#./]|^[a-z]+:/.test(specifier) && !isBuiltin(specifier) && process.versions.pnp === undefined
}

/** A package may import itself by its name. */
function isThere(name: string, root: string): boolean {
  return packageFolder(name, root) !== undefined || readManifest(root).name === name
}

function diagnosticOf(root: string, file: string, specifier: string, name: string): Diagnostic {
  const source = readFileSync(resolve(root, file), 'utf8')
  const start = Math.max(0, source.search(new RegExp(`['"]${specifier.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}['"]`)))
  return {
    code: 'PYR_BUNDLE',
    file,
    ...positionOf(source, start),
    message: `The package ${name} is not installed.`,
    fix: `Install the package, or correct its name: npm install ${name}`,
    frame: codeFrame(source, { start, end: start + specifier.length + 2 }),
  }
}

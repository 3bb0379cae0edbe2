/** What stays outside of the bundle: which package that is, and how package.json names it so that an installation brings this one and no other. */
import { PyrallelError } from '../../framework/model/errors.ts'
import {
  type InstalledPackage,
  installedPackage,
  isBelowNodeModules,
  packageName,
  readManifest,
} from '../bundle/installed-package.ts'
import { packageRoot } from '../folders/package-root.ts'

export const nativeClient = '@confluentinc/kafka-javascript'

export interface OutsidePackage {
  readonly name: string
  /** An exact version, or an alias of one: `1.4.0`, `npm:real-name@1.4.0`. */
  readonly spec: string
  /** Where it is on this machine. The native client may be missing here. */
  readonly folder: string | undefined
}

/**
 * One that is installed nowhere is left out: it is imported by nothing that runs. Sorted by name.
 * @param found those that are known already: they may stand where the project itself does not find them
 * @throws PyrallelError PYR_USAGE for one that no registry has
 */
export function outsidePackages(
  root: string,
  specifiers: readonly string[],
  found: readonly InstalledPackage[],
): readonly OutsidePackage[] {
  const known = new Map(found.map((each) => [each.name, each]))
  return [...new Set(specifiers.map(packageName))].sort().flatMap((name): readonly OutsidePackage[] => {
    const installed = installedPackage(name, root) ?? known.get(name) ?? installedPackage(name, packageRoot)
    if (installed !== undefined) return [outside(root, installed)]
    const pin = name === nativeClient ? readManifest(packageRoot).optionalDependencies?.[name] : undefined
    return pin === undefined ? [] : [{ name, spec: pin, folder: undefined }]
  })
}

/** Why a registry does not have it, or has another one by that name; `undefined` for what an installation will bring. */
export function foreignOrigin(root: string, { name, folder }: InstalledPackage): string | undefined {
  const { dependencies, devDependencies, optionalDependencies, peerDependencies } = readManifest(root)
  const declared = { ...peerDependencies, ...devDependencies, ...optionalDependencies, ...dependencies }[name]
  if (declared !== undefined && isForeign(declared)) return `package.json has it as '${declared}'`
  return isBelowNodeModules(folder) ? undefined : 'it is a link to a folder of this machine'
}

function outside(root: string, installed: InstalledPackage): OutsidePackage {
  const { name, ownName, version, folder } = installed
  const origin = foreignOrigin(root, installed)
  if (origin !== undefined) {
    throw new PyrallelError(
      'PYR_USAGE',
      `${name} would stay outside of the bundle, but it comes from no registry: ${origin}. ` +
        'The image would install a stranger of that name, or none. ' +
        'Let it be bundled (no --external, no machine code in it), or publish it to a registry, and depend on its version.',
    )
  }
  return { name, spec: ownName === name ? version : `npm:${ownName}@${version}`, folder }
}

/** Folders, links, workspaces, patches, repositories and archives. A range, a tag, an alias and a catalogue's entry are of a registry. */
function isForeign(spec: string): boolean {
  const isAddress = /^(?!npm:|catalog:)[a-z][a-z+]*:/i.test(spec)
  const isPath = /^(?:\.|\/|~\/)/.test(spec)
  return isAddress || isPath || /^[\w.-]+\/[\w.-]+(?:#.*)?$/.test(spec) || /^[\w.-]+@[\w.-]+:/.test(spec)
}

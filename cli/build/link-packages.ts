/** Makes packages findable from a bundle on the machine that has built it: where they are installed below others, as pnpm does it, Node would not find them. */
import { lstatSync, mkdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { installedPackage } from '../bundle/installed-package.ts'
import type { OutsidePackage } from './outside-packages.ts'

/** Only those that Node does not find from there, or of which it finds another copy. What was installed below the folder itself stays. */
export function linkPackages(folder: string, packages: readonly OutsidePackage[]): void {
  const own = realpathSync(folder) + sep
  for (const { name, folder: target } of packages) {
    const visible = installedPackage(name, folder)?.folder
    if (target === undefined || visible === target || visible?.startsWith(own) === true) continue
    const link = join(folder, 'node_modules', name)
    if (lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() === false) continue
    rmSync(link, { force: true })
    mkdirSync(dirname(link), { recursive: true })
    // A link of this kind needs no rights on Windows; elsewhere, it is like any other.
    symlinkSync(target, link, 'junction')
  }
}

/** Finds out by which package manager the command was started, and how one writes its commands. Pure. */

export type PackageManager = 'npm' | 'pnpm' | 'yarn' | 'bun'

const known: readonly string[] = ['npm', 'pnpm', 'yarn', 'bun'] satisfies readonly PackageManager[]

/** @param userAgent `npm_config_user_agent`, which they all set: `pnpm/10.1.0 npm/? node/v22.0.0 linux x64` */
export function packageManager(userAgent: string | undefined): PackageManager {
  const name = userAgent?.split('/')[0] ?? ''
  return known.includes(name) ? (name as PackageManager) : 'npm'
}

export function installCommand(manager: PackageManager): string {
  return `${manager} install`
}

/** `-- ` keeps npm from taking the script's options for its own. */
export function runCommand(manager: PackageManager, script: string, ...argv: readonly string[]): string {
  const separator = manager === 'npm' && argv.length > 0 ? ['--'] : []
  return [manager, 'run', script, ...separator, ...argv].join(' ')
}

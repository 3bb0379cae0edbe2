/** Finds out by which package manager the command was started, how one writes its commands, and what it must be told. Pure. */
import type { TemplateFile } from './template.ts'

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

/** pnpm reads the manifest's list up to version 10, and ends the installation with an error where a script is neither allowed nor refused. */
const pnpmSettings = `allowBuilds:
  '@confluentinc/kafka-javascript': true
  esbuild: false
`
/** Without it Yarn installs no folder \`node_modules\`, and TypeScript finds no types. */
const yarnSettings = 'nodeLinker: node-modules\n'

/** What stands beside the manifest, because it cannot stand in it. Above it, another project may have one for all of its folders. */
export function settingsFile(userAgent: string | undefined): TemplateFile | undefined {
  const manager = packageManager(userAgent)
  if (manager === 'pnpm') return { path: 'pnpm-workspace.yaml', text: pnpmSettings }
  const isClassic = /^yarn\/[01]\./.test(userAgent ?? '')
  return manager === 'yarn' && !isClassic ? { path: '.yarnrc.yml', text: yarnSettings } : undefined
}

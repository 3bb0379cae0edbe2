/** Compiles what the npm package consists of into dist/: JavaScript, declarations, source maps. `npm pack` runs it; safe to run again. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const target = join(root, 'dist')
// Beside its target, so that it can be renamed into place whole: who runs the package meanwhile never meets half of it.
const scratch = mkdtempSync(join(root, 'dist-'))
try {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const argv = [compiler, '-p', join(root, 'tsconfig.build.json'), '--outDir', scratch]
  const { status } = spawnSync(process.execPath, argv, { cwd: root, stdio: 'inherit' })
  if (status === 0) {
    copyJavaScript()
    rmSync(target, { recursive: true, force: true })
    renameSync(scratch, target)
  }
  process.exitCode = status ?? 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

/** Files that are JavaScript already, because they run where nothing can read TypeScript yet. Not the command's own: compiled, it needs none. */
function copyJavaScript() {
  const files = ['framework', 'cli'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
  )
  for (const file of files) {
    if (file.endsWith('.mjs') && file !== join('cli', 'bin.mjs')) cpSync(join(root, file), join(scratch, file))
  }
}

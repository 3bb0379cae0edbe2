/** Compiles what the npm package consists of into dist/: JavaScript, declarations, source maps. `npm pack` runs it; safe to run again. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { buildConsole } from './build-console.mjs'

await buildConsole()

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
    await bringTypeBox()
    requireTsMorph()
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

/**
 * TypeBox is some 700 files, which take a third of a second to load, at every start of the command. So the package brings it as a few; a schema is
 * plain data, and it does not matter which copy made it. Declarations still name the package.
 */
async function bringTypeBox() {
  const folder = join(root, 'node_modules', 'typebox')
  const outdir = join(scratch, 'typebox')
  await build({
    entryPoints: { typebox: 'typebox', value: 'typebox/value', compile: 'typebox/compile' },
    absWorkingDir: root,
    outdir,
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    charset: 'utf8',
    // Half as large, and as much sooner loaded: it is in every bundle, too.
    minify: true,
  })
  const [license = 'license'] = readdirSync(folder).filter((file) => /^licen[cs]e/i.test(file))
  cpSync(join(folder, license), join(outdir, 'LICENSE'))
  for (const file of compiledFiles().filter((path) => dirname(path) !== 'typebox')) {
    const text = readFileSync(join(scratch, file), 'utf8')
    const up = relative(dirname(join(scratch, file)), outdir)
    const own = text.replaceAll(
      /(\bfrom |\bimport\()'typebox(?:\/(value|compile))?'/g,
      (_found, keyword, part = 'typebox') => `${keyword}'${up}/${part}.js'`,
    )
    if (own !== text) writeFileSync(join(scratch, file), own)
  }
}

/**
 * Who imports a CommonJS package has Node read all of its text for the names that it exports: of ts-morph, with the compiler, 9 MB. That is a third of
 * the time that it takes to load. So one file requires it, and hands on what is used of it.
 */
function requireTsMorph() {
  const names = new Set()
  for (const file of compiledFiles()) {
    const text = readFileSync(join(scratch, file), 'utf8')
    const own = text.replaceAll(/(\bimport \{([^}]*)\} from )'ts-morph'/g, (_found, start, imported) => {
      for (const name of imported.split(',')) names.add(name.trim().replace(/ as .*/, ''))
      const path = relative(dirname(file), 'ts-morph.js')
      return `${start}'${path.startsWith('.') ? path : `./${path}`}'`
    })
    if (own !== text) writeFileSync(join(scratch, file), own)
  }
  const used = [...names].filter((name) => name !== '').sort()
  const lines = [
    "import { createRequire } from 'node:module'",
    `export const { ${used.join(', ')} } = createRequire(import.meta.url)('ts-morph')`,
  ]
  writeFileSync(join(scratch, 'ts-morph.js'), `${lines.join('\n')}\n`)
}

function compiledFiles() {
  return readdirSync(scratch, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'))
}

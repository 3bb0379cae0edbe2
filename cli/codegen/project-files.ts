/** Finds handler files, and opens them with the files of the project that they import: never a library's. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Project, type SourceFile, ts } from 'ts-morph'

/** Opens the files and everything of the project that they import, directly or not. In the order of `paths`. */
export function openProject(root: string, paths: readonly string[]): readonly SourceFile[] {
  const project = new Project({
    compilerOptions: { ...userOptions(root), ...scanOptions },
    skipAddingFilesFromTsConfig: true,
    skipFileDependencyResolution: true,
    skipLoadingLibFiles: true,
  })
  const sources = paths.map((path) => project.addSourceFileAtPath(path))
  const queue = [...sources]
  for (let source = queue.pop(); source !== undefined; source = queue.pop()) {
    for (const path of importedFiles(project, source)) {
      if (project.getSourceFile(path) !== undefined) continue
      queue.push(project.addSourceFileAtPath(path))
    }
  }
  return sources
}

/** Nothing but the files that are opened here is read: `noResolve` keeps imports of libraries closed. */
const scanOptions: ts.CompilerOptions = {
  noLib: true,
  noResolve: true,
  types: [],
  allowImportingTsExtensions: true,
  noEmit: true,
}

/** How the project resolves imports (`paths`, `baseUrl`, `module`): from its tsconfig.json where it has one. */
function userOptions(root: string): ts.CompilerOptions {
  const standard: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
  }
  const path = join(root, 'tsconfig.json')
  if (!existsSync(path)) return standard
  const read = ts.readConfigFile(path, ts.sys.readFile)
  const parsed = ts.convertCompilerOptionsFromJson(
    (read.config as { readonly compilerOptions?: unknown } | undefined)?.compilerOptions ?? {},
    root,
    path,
  )
  const kept = Object.entries(parsed.options).filter(([name]) => resolutionOptions.includes(name))
  return { ...standard, ...Object.fromEntries(kept), pathsBasePath: root }
}

const resolutionOptions = ['module', 'moduleResolution', 'paths', 'baseUrl', 'customConditions']

function importedFiles(project: Project, source: SourceFile): readonly string[] {
  const specifiers = [...source.getImportDeclarations(), ...source.getExportDeclarations()].flatMap(
    (declaration) => declaration.getModuleSpecifierValue() ?? [],
  )
  return specifiers.flatMap((specifier) => {
    if (specifier === 'pyrallel' || specifier.startsWith('node:')) return []
    const resolved = ts.resolveModuleName(
      specifier,
      source.getFilePath(),
      project.getCompilerOptions(),
      ts.sys,
    ).resolvedModule
    if (resolved === undefined || resolved.isExternalLibraryImport === true) return []
    return /\.[mc]?tsx?$/.test(resolved.resolvedFileName) ? [resolved.resolvedFileName] : []
  })
}

/** `handlers/**\/*.ts`, but not `_*`, `*.test.ts` and `*.d.ts`; relative to the project, with `/`, sorted. */
export function handlerFiles(root: string): readonly string[] {
  const folder = join(root, 'handlers')
  if (!existsSync(folder)) return []
  return walk(folder, 'handlers').sort((a, b) => (a < b ? -1 : 1))
}

function walk(folder: string, prefix: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = `${prefix}/${entry.name}`
    if (entry.name.startsWith('_') || entry.name.startsWith('.') || entry.name === 'node_modules') return []
    if (entry.isDirectory()) return walk(join(folder, entry.name), path)
    const isHandler = entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts') && !entry.name.endsWith('.d.ts')
    return isHandler ? [path] : []
  })
}

/** `pyrallel init`: writes a new project, never over anything, and says what to do next. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { PyrallelError, toError } from '../../framework/model/errors.ts'
import { ask, type InitAnswers } from '../init/ask.ts'
import { installCommand, packageManager, runCommand, settingsFile } from '../init/package-manager.ts'
import { firstRecords, projectNameOf, type TemplateFile, type TemplateName, templateFiles } from '../init/template.ts'
import { exitCodes } from '../terminal/failure.ts'
import { hasColor, type Io } from '../terminal/io.ts'
import { jsonText } from '../terminal/json-text.ts'
import { painter } from '../terminal/paint.ts'

export interface InitOptions {
  readonly template?: TemplateName
  /** Ask nothing. */
  readonly yes?: boolean
  readonly json?: boolean
}

export async function init(folder: string | undefined, options: InitOptions, io: Io): Promise<number> {
  const answered = await answers(folder, options, io)
  if (answered === undefined) return exitCodes.failed
  const { folder: target, template } = answered
  const root = resolve(io.cwd(), target)
  const files = [
    ...templateFiles(template, projectNameOf(basename(root))),
    ...settingsFiles(root, io.env.npm_config_user_agent),
  ]
  refuseClashes(root, files)
  writeAll(root, files)
  const next = nextCommands(relative(io.cwd(), root), template, io)
  if (options.json === true) {
    io.stdout.write(`${jsonText({ folder: root, template, files: files.map(({ path }) => path), next }, 2)}\n`)
    return exitCodes.fine
  }
  const paint = painter(hasColor(io.stdout, io.env))
  for (const { path } of files) io.stdout.write(`${paint('green', 'wrote')} ${path}\n`)
  const show = (commands: readonly string[]) => commands.map((command) => `  ${paint('bold', command)}\n`).join('')
  io.stdout.write(
    `\nNext:\n${show(next.slice(0, -1))}and, in another terminal in the same folder:\n${show(next.slice(-1))}`,
  )
  return exitCodes.fine
}

async function answers(
  folder: string | undefined,
  { template, yes }: InitOptions,
  io: Io,
): Promise<InitAnswers | undefined> {
  if (yes === true) return { folder: folder ?? '.', template: template ?? 'minimal' }
  if (folder !== undefined && template !== undefined) return { folder, template }
  if (io.stdin.isTTY !== true || io.stdout.isTTY !== true) {
    throw new PyrallelError(
      'PYR_USAGE',
      'init asks where to and which template, and there is no terminal to ask at. Pass -y to take the defaults: pyrallel init my-service --template minimal -y',
    )
  }
  return ask({ ...(folder === undefined ? {} : { folder }), ...(template === undefined ? {} : { template }) })
}

function settingsFiles(root: string, userAgent: string | undefined): readonly TemplateFile[] {
  const file = settingsFile(userAgent)
  return file === undefined || isSetAbove(root, file.path) ? [] : [file]
}

/** By a project that this one will be a part of: a second file would part it from that. */
function isSetAbove(root: string, path: string): boolean {
  const above = dirname(root)
  if (above === root) return false
  return (existsSync(join(above, path)) && existsSync(join(above, 'package.json'))) || isSetAbove(above, path)
}

function refuseClashes(root: string, files: readonly TemplateFile[]): void {
  const clashes = files.filter(({ path }) => existsSync(join(root, path))).map(({ path }) => path)
  if (clashes.length === 0) return
  throw new PyrallelError(
    'PYR_EXISTS',
    `Nothing was written, because these files are in ${root} already:\n${clashes.map((path) => `  ${path}`).join('\n')}\nName another folder: pyrallel init my-service`,
  )
}

function writeAll(root: string, files: readonly TemplateFile[]): void {
  for (const { path, text } of files) {
    try {
      makeFolder(dirname(join(root, path)))
      // `wx`: a file that has appeared since is not written over either.
      writeFileSync(join(root, path), text, { flag: 'wx' })
    } catch (thrown) {
      const message = `${path} cannot be written: ${toError(thrown).message}. Make the folder writable, or name another.`
      throw new PyrallelError('PYR_WRITE', message, { cause: thrown })
    }
  }
}

/** One level at a time: `recursive` tries for ever where making a folder is answered as if the one above were not there, as in /proc. */
function makeFolder(path: string): void {
  if (existsSync(path)) return
  const above = dirname(path)
  if (above !== path) makeFolder(above)
  mkdirSync(path)
}

function nextCommands(folder: string, template: TemplateName, { env }: Io): readonly string[] {
  const manager = packageManager(env.npm_config_user_agent)
  const { topic, value } = firstRecords[template]
  return [
    ...(folder === '' ? [] : [`cd ${/\s/.test(folder) ? `'${folder}'` : folder}`]),
    installCommand(manager),
    runCommand(manager, 'dev'),
    // While the one before runs.
    runCommand(manager, 'send', topic, `'${value}'`),
  ]
}

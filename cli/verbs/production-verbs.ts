/** Declares the verbs with which a project begins and goes to production. What they do is in commands/, loaded only when it is asked for. */
import { type Command, Option } from 'commander'
import { modes } from '../../framework/config/mode.ts'
import { templateNames } from '../init/template.ts'
import { targets } from '../manifests/targets.ts'
import type { Io } from '../terminal/io.ts'
import { collect, type Exit, examples } from './command-line.ts'

export function addProductionVerbs(program: Command, io: Io, exit: Exit): void {
  addInit(program, io, exit)
  addBuild(program, io, exit)
  addStart(program, io)
  addConfig(program, io, exit)
}

function addConfig(program: Command, io: Io, exit: Exit): void {
  program
    .command('config')
    .description('Print every option with its value and where that was written; secrets are hidden.')
    .addOption(new Option('--mode <mode>', 'as in this mode (default: development)').choices([...modes]))
    .option('--explain', 'also say what each option decides, what is allowed, and its environment variable')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples(['pyrallel config', 'pyrallel config --explain --mode production']))
    .action(async (options: Parameters<typeof import('./config.ts').config>[0]) => {
      const { config } = await import('./config.ts')
      exit(await config(options, io))
    })
}

function addInit(program: Command, io: Io, exit: Exit): void {
  program
    .command('init')
    .description('Write a new project: handlers, tests, config. Nothing that exists is written over.')
    .argument('[folder]', 'where to (default: this folder)')
    .addOption(new Option('--template <name>', 'what to begin with').choices(templateNames))
    .option('-y, --yes', 'ask nothing; without --template, take minimal')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      examples([
        'pyrallel init',
        'pyrallel init my-service --template orders',
        'npx pyrallel init my-service --template worker -y',
        'pyrallel init payments --template avro -y',
      ]),
    )
    .action(async (folder: string | undefined, options: Parameters<typeof import('./init.ts').init>[1]) => {
      const { init } = await import('./init.ts')
      exit(await init(folder, options, io))
    })
}

function addBuild(program: Command, io: Io, exit: Exit): void {
  program
    .command('build')
    .description('Bundle the handlers for production: code, package.json, Dockerfile, and manifests of a platform.')
    .option('--out <folder>', 'where to', 'dist')
    .option('--external <name>', 'leave this package out of the bundle, to be installed; may be repeated', collect)
    .option(
      '--no-source-maps',
      'leave them out: without them, stack traces name the bundle, and nobody gets the sources',
    )
    .option('--base-image <image>', 'what the Dockerfile begins with; by its digest, it is always the same')
    .option('--verify', 'import the bundle in an empty folder, as the image has it (default: where CI is true)')
    .option('--no-verify', 'do not')
    .addOption(
      new Option('--target <platform>', 'also write manifests, from the config file alone').choices([...targets]),
    )
    .option('--manifests <folder>', 'where those go, to be committed (default: a folder of the build)')
    .option('--check', 'build nothing: exit with 3 when --manifests does not have what the config says')
    .option('--namespace <name>', 'of Kubernetes (default: default)')
    .option('--image <image>', 'how the platform finds the image (default: name and version of package.json)')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      examples([
        'pyrallel build',
        'pyrallel build --out build/service --external sharp',
        'pyrallel build --target kubernetes --manifests deploy --namespace shop',
        'pyrallel build --target kubernetes --manifests deploy --namespace shop --check',
      ]),
    )
    .action(async (options: Parameters<typeof import('./build.ts').build>[0]) => {
      const { build } = await import('./build.ts')
      exit(await build(options, io))
    })
}

function addStart(program: Command, io: Io): void {
  program
    .command('start')
    .description('Run what `pyrallel build` has made.')
    .argument('[folder]', 'where it is (default: this folder, else dist/)')
    .option('--check', 'only look whether the brokers have every topic, and end')
    .addHelpText('after', examples(['pyrallel start', 'pyrallel start build/service', 'pyrallel start --check']))
    .action(async (folder: string | undefined) => {
      const { start } = await import('./start.ts')
      await start(folder, io)
    })
}

/**
 * The modules of a session that were evaluated. One that was evaluated keeps its state, and one that failed is evaluated again at the next load:
 * what it needs may be there by then, though its own text is the same. Node would repeat the error, so it gets an output of its own.
 */
import { relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { PyrallelError } from '../../../framework/model/errors.ts'
import type { BundleDone } from '../../bundle/bundle-app.ts'
import { loadFailure } from '../../project/project.ts'
import { type Attempts, outputOf } from './dev-bundle.ts'

export class LoadedModules {
  /** The project's folder, absolute. */
  readonly #root: string
  /** Outputs that belong to code which was evaluated to its end. */
  readonly #good = new Set<string>()
  readonly #attempts = new Map<string, number>()

  constructor(root: string) {
    this.#root = root
  }

  get attempts(): Attempts {
    return this.#attempts
  }

  /**
   * The same object as before where nothing of it has changed.
   * @param file relative to the project
   * @throws PyrallelError PYR_HANDLER_EXPORT with what was thrown
   */
  async import<M>(bundle: BundleDone, file: string): Promise<M> {
    const output = outputOf(bundle, file)
    const reached = reachedFrom(output, bundle)
    try {
      const module = (await import(pathToFileURL(output).href)) as M
      for (const each of reached.keys()) this.#good.add(each)
      return module
    } catch (thrown) {
      const failed = [...reached].flatMap(([each, files]) => (this.#good.has(each) ? [] : files))
      for (const each of new Set(failed)) this.#attempts.set(each, (this.#attempts.get(each) ?? 0) + 1)
      throw this.#failure(file, thrown, reached)
    }
  }

  /** In words of the project: what Node says of an import names the file that was bundled. */
  #failure(file: string, thrown: unknown, reached: ReadonlyMap<string, readonly string[]>): PyrallelError {
    const { code, message, cause } = loadFailure(this.#root, file, thrown, 'PYR_HANDLER_EXPORT')
    const told = [...reached].reduce(
      (text, [output, files]) =>
        text.replaceAll(
          `./${relative(this.#root, output)}`,
          files.map((each) => relative(this.#root, each)).join(', '),
        ),
      message,
    )
    return new PyrallelError(code, told, { cause })
  }
}

/** An output and everything that it imports, with the files whose code is in it. */
function reachedFrom(output: string, { outputs }: BundleDone): ReadonlyMap<string, readonly string[]> {
  const all = new Map(outputs.map((each) => [each.path, each]))
  const reached = new Map<string, readonly string[]>([[output, []]])
  for (const path of reached.keys()) {
    const { files = [], imports = [] } = all.get(path) ?? {}
    reached.set(path, files)
    for (const each of imports) if (!reached.has(each)) reached.set(each, [])
  }
  return reached
}

/** The one function of js-yaml that tests use; the package has no types of its own. */
declare module 'js-yaml' {
  /** The value that the YAML text stands for. Throws where it is none. */
  export function load(text: string): unknown
}

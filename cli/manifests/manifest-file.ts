/** One file of manifests. */
export interface ManifestFile {
  /** Below the folder of its target, with `/`. */
  readonly path: string
  readonly content: string
}

/** Manifests on the disk: what differs from what the config says, and how that is written. Deletes nothing that no build may have made. */
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { writeText } from '../folders/build-folder.ts'
import type { ManifestFile } from './manifest-file.ts'

export interface StaleManifest extends ManifestFile {
  /** What is there; empty when there is nothing. */
  readonly current: string
  /** It was made of another config: it is to be removed. */
  readonly isObsolete: boolean
}

/** Files that are there for some configs only. */
const sometimes = [
  'base/deployment.yaml',
  'base/stateful-set.yaml',
  ...['kustomization.yaml', 'hpa.yaml'].map((file) => `components/hpa/${file}`),
  ...['kustomization.yaml', 'scaled-object.yaml', 'trigger-authentication.yaml', 'network-policy.yaml'].map(
    (file) => `components/keda/${file}`,
  ),
  ...['kustomization.yaml', 'pod-monitor.yaml', 'network-policy.yaml'].map(
    (file) => `components/prometheus-operator/${file}`,
  ),
  ...['kustomization.yaml', 'stateful-set.yaml', 'deployment.yaml'].map((file) => `components/static-members/${file}`),
]

export function staleManifests(folder: string, files: readonly ManifestFile[]): readonly StaleManifest[] {
  const changed = files.flatMap((file) => {
    const current = textOf(folder, file.path) ?? ''
    return current === file.content ? [] : [{ ...file, current, isObsolete: false }]
  })
  const wanted = new Set(files.map(({ path }) => path))
  const obsolete = sometimes.flatMap((path) => {
    const current = wanted.has(path) ? undefined : textOf(folder, path)
    return current === undefined ? [] : [{ path, content: '', current, isObsolete: true }]
  })
  return [...changed, ...obsolete]
}

/** @throws PyrallelError PYR_WRITE */
export function writeManifests(folder: string, stale: readonly StaleManifest[]): void {
  for (const { path, content, isObsolete } of stale) {
    if (isObsolete) rmSync(join(folder, path), { force: true })
    else writeText(folder, path, content)
  }
}

function textOf(folder: string, path: string): string | undefined {
  const file = join(folder, path)
  // A checkout on Windows may have turned the line ends; that is no difference.
  return existsSync(file) && statSync(file).isFile() ? readFileSync(file, 'utf8').replaceAll('\r\n', '\n') : undefined
}

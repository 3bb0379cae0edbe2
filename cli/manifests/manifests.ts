/** All files of a target, by the facts of an app. Pure. */
import type { AppFacts } from './app-facts.ts'
import { composeFiles } from './compose.ts'
import { kubernetesFiles } from './kubernetes.ts'
import type { ManifestFile } from './manifest-file.ts'
import { rightsScript } from './rights.ts'
import type { Target } from './targets.ts'

/** @param context where the build is, seen from the folder of the target's files */
export function manifests(target: Target, facts: AppFacts, context: string): readonly ManifestFile[] {
  const rights = { path: 'rights.sh', content: rightsScript(facts) }
  return [...(target === 'kubernetes' ? kubernetesFiles(facts) : composeFiles(facts, context)), rights]
}

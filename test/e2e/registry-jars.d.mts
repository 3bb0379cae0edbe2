/** The types of registry-jars.mjs, which is plain JavaScript because set-up runs it before anything is installed. */
export const registryVersion: string
export function registryJar(): string
export function hasRegistryJars(): boolean
export function registryProblem(): string | undefined
export function fetchRegistryJars(): Promise<void>

/** Where the schemas lie that were pulled from a registry, relative to the project. */
export const registryFolder = 'generated/registry'

/** The types of install.mjs, which is plain JavaScript because set-up runs it before anything is installed. */
export function serializersCommand(main?: 'RegistryRecords' | 'KeyRecords'): readonly string[] | undefined
export function installSerializers(): Promise<void>

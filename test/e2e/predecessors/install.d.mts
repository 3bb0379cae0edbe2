/** The types of install.mjs, which is plain JavaScript because set-up runs it before anything is installed. */
export function parallelConsumerCommand(main?: string): readonly string[] | undefined
export function pyrallelConsumerCommand(): readonly string[] | undefined
export function installParallelConsumer(): Promise<void>
export function installPyrallelConsumer(): Promise<void>

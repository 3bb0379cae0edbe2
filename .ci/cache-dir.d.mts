/** Types of cache-dir.mjs, which is plain JavaScript because set-up runs it before anything is installed. */
export function cacheDir(): string

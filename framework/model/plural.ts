/** `1 record`, `2 records`, `0 retries`. @param many where an s does not do */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

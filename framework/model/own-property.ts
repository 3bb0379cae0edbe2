/** Looks names up that others have chosen: in a plain object, `constructor` and `toString` are there without anybody having put them in. */
export function ownProperty<T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined
}

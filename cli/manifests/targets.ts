/** The platforms that manifests are made for. Apart, so that what declares the flags loads nothing else. */
export const targets = ['kubernetes', 'compose'] as const
export type Target = (typeof targets)[number]

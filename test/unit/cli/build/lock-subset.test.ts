/** The part of a lock that goes into the image: all that is needed, nothing else, each where Node finds it. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { lockSubset } from '../../../../cli/build/lock-subset.ts'
import { projectFolder } from '../test-io.ts'

type Packages = Readonly<Record<string, object>>

function subset(packages: Packages, dependencies: Readonly<Record<string, string>>, at = '') {
  const root = projectFolder({
    'package-lock.json': JSON.stringify({ lockfileVersion: 3, packages }),
    'apps/shop/x': '',
  })
  const result = lockSubset(join(root, at), { name: 'shop', version: '1.0.0', dependencies })
  if (result.kind === 'foreign') return `${result.name} from ${result.from}`
  return result.kind === 'locked' ? (JSON.parse(result.text).packages as Packages) : result.why
}

describe('the lock of a build', () => {
  it('has what is needed, with its check sums, and leaves out the rest', () => {
    const packages = {
      '': { name: 'shop', dependencies: { a: '^1.0.0' } },
      'node_modules/a': {
        version: '1.0.0',
        integrity: 'sha512-a',
        resolved: 'https://r/a.tgz',
        dependencies: { b: '^2.0.0' },
        dev: true,
      },
      'node_modules/b': { version: '2.0.0', integrity: 'sha512-b' },
      'node_modules/c': { version: '3.0.0', integrity: 'sha512-c' },
    }
    assert.deepEqual(subset(packages, { a: '1.0.0' }), {
      '': { name: 'shop', version: '1.0.0', dependencies: { a: '1.0.0' } },
      'node_modules/a': {
        version: '1.0.0',
        integrity: 'sha512-a',
        resolved: 'https://r/a.tgz',
        dependencies: { b: '^2.0.0' },
      },
      'node_modules/b': { version: '2.0.0', integrity: 'sha512-b' },
    })
  })

  it('keeps an alias as one, and has none where it stands for something else', () => {
    const packages = { 'node_modules/a': { name: 'real', version: '1.0.0', integrity: 'sha512-a' } }
    assert.deepEqual(subset(packages, { a: 'npm:real@1.0.0' }), {
      '': { name: 'shop', version: '1.0.0', dependencies: { a: 'npm:real@1.0.0' } },
      ...packages,
    })
    assert.match(
      String(subset(packages, { a: '1.0.0' })),
      /has version npm:real@1\.0\.0 of a, and 1\.0\.0 is installed/,
    )
  })

  it('is refused where anything that is needed comes from a folder or a repository, by an override say', () => {
    for (const resolved of ['file:../b', 'git+ssh://git@example.com/b.git#abc']) {
      const packages = {
        'node_modules/a': { version: '1.0.0', dependencies: { b: '^2.0.0' } },
        'node_modules/b': { version: '2.0.0', resolved },
      }
      assert.equal(subset(packages, { a: '1.0.0' }), `b from ${resolved}`)
    }
  })

  it('keeps two versions of one package apart', () => {
    const packages = {
      'node_modules/a': { version: '1.0.0', dependencies: { c: '^1.0.0' } },
      'node_modules/b': { version: '1.0.0', dependencies: { c: '^2.0.0' } },
      'node_modules/b/node_modules/c': { version: '2.0.0' },
      'node_modules/c': { version: '1.0.0' },
    }
    assert.deepEqual(subset(packages, { a: '1.0.0', b: '1.0.0' }), {
      '': { name: 'shop', version: '1.0.0', dependencies: { a: '1.0.0', b: '1.0.0' } },
      ...packages,
    })
  })

  it('takes what is installed below pyrallel, or in a workspace, to the top', () => {
    const packages = {
      'apps/shop': { version: '1.0.0', dependencies: { own: '1.0.0', pyrallel: '1.0.0' } },
      'apps/shop/node_modules/own': { version: '1.0.0' },
      'node_modules/pyrallel': { version: '1.0.0', dependencies: { native: '5.0.0' } },
      'node_modules/pyrallel/node_modules/native': { version: '5.0.0', dependencies: { tar: '^7.0.0' } },
      'node_modules/tar': { version: '7.0.0' },
    }
    const found = subset(packages, { own: '1.0.0', native: '5.0.0' }, 'apps/shop')
    assert.deepEqual(Object.keys(found), ['', 'node_modules/native', 'node_modules/own', 'node_modules/tar'])
  })

  it('marks what may be missing, unless something else needs it, and leaves out what was never installed', () => {
    const packages = {
      'node_modules/a': {
        version: '1.0.0',
        optionalDependencies: { linux: '1.0.0', windows: '1.0.0', both: '1.0.0' },
        dependencies: { z: '1.0.0' },
        peerDependencies: { peer: '*', maybe: '*' },
        peerDependenciesMeta: { maybe: { optional: true } },
      },
      'node_modules/linux': { version: '1.0.0', optional: true, os: ['linux'], dependencies: { deep: '1.0.0' } },
      'node_modules/deep': { version: '1.0.0' },
      'node_modules/both': { version: '1.0.0' },
      'node_modules/z': { version: '1.0.0', dependencies: { both: '1.0.0' } },
      'node_modules/peer': { version: '1.0.0', peer: true },
    }
    const found = subset(packages, { a: '1.0.0' }) as Packages
    const optional = Object.entries(found).filter(([, entry]) => 'optional' in entry)
    assert.deepEqual(
      optional.map(([place]) => place),
      ['node_modules/deep', 'node_modules/linux'],
    )
    assert.ok('node_modules/peer' in found && 'node_modules/both' in found)
  })

  it('is none, with the reason, where the lock does not say what was bundled with', () => {
    const packages = {
      'node_modules/a': { version: '1.0.0', dependencies: { b: '1' } },
      'node_modules/linked': { link: true },
    }
    assert.equal(subset(packages, { a: '1.0.1' }), 'package-lock.json has version 1.0.0 of a, and 1.0.1 is installed')
    assert.equal(subset(packages, { a: '1.0.0' }), 'package-lock.json lacks b, which a needs')
    assert.match(String(subset(packages, { linked: '1.0.0' })), /has no linked/)
    const none = lockSubset(projectFolder(), { name: 'a', version: '1.0.0', dependencies: {} })
    assert.deepEqual(none, { kind: 'none', why: 'there is no package-lock.json' })
  })

  it('of this repository is one that npm ci takes as it is', () => {
    const root = fileURLToPath(new URL('../../../..', import.meta.url))
    const { version } = JSON.parse(
      readFileSync(join(root, 'node_modules/@confluentinc/kafka-javascript/package.json'), 'utf8'),
    )
    const dependencies = { '@confluentinc/kafka-javascript': version }
    const lock = lockSubset(root, { name: 'shop', version: '1.0.0', dependencies })
    assert.ok(lock.kind === 'locked')
    const folder = projectFolder({
      'package.json': JSON.stringify({ name: 'shop', version: '1.0.0', dependencies }),
      'package-lock.json': lock.text,
    })
    // Says what would be installed, and asks no registry for it. It ends with 1 where the two files do not fit.
    const { status, stderr } = spawnSync('npm', ['ci', '--dry-run', '--offline', '--ignore-scripts', '--no-audit'], {
      cwd: folder,
      encoding: 'utf8',
    })
    assert.equal(status, 0, stderr)
  })
})

/** What stays outside of the bundle is installed as that package and no other: aliases are kept, and what no registry has is refused. */
import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { outsidePackages } from '../../../../cli/build/outside-packages.ts'
import { nativePackages } from '../../../../cli/bundle/native-packages.ts'
import { projectFolder } from '../test-io.ts'

const manifest = (fields: object) => JSON.stringify(fields)

function projectWith(declared: string, fields: object, name = 'mylib') {
  return projectFolder({
    'package.json': manifest({ dependencies: { [name]: declared } }),
    [`node_modules/${name}/package.json`]: manifest(fields),
  })
}

const specs = (root: string, names: readonly string[]) =>
  outsidePackages(root, names, nativePackages(root)).map(({ name, spec }) => `${name} ${spec}`)

describe('a package outside of the bundle', () => {
  it('is named by its exact version, an alias by what it stands for', () => {
    const plain = projectWith('^1.0.0', { name: 'mylib', version: '1.4.0' })
    assert.deepEqual(specs(plain, ['mylib/sub.js', 'not-installed']), ['mylib 1.4.0'])
    const alias = projectWith('npm:@real/native@1.0.0', { name: '@real/native', version: '1.0.0', gypfile: true })
    assert.deepEqual(specs(alias, ['mylib']), ['mylib npm:@real/native@1.0.0'])
    assert.deepEqual(
      nativePackages(alias).map(({ name }) => name),
      ['mylib'],
    )
  })

  for (const declared of [
    'file:../mylib',
    'link:../mylib',
    'workspace:*',
    'portal:../mylib',
    'patch:mylib@1.0.0#x.patch',
    '../mylib',
    '/srv/mylib',
    'git+https://example.com/mylib.git',
    'git@example.com:me/mylib.git',
    'github:me/mylib',
    'me/mylib#v1',
    'https://example.com/mylib.tgz',
  ]) {
    it(`is refused where package.json has it as ${declared}`, () => {
      const root = projectWith(declared, { name: 'mylib', version: '1.4.0' })
      assert.throws(
        () => specs(root, ['mylib']),
        (error: Error) => error.message.includes(`no registry: package.json has it as '${declared}'`),
      )
    })
  }

  for (const declared of [
    '1.4.0',
    '~1.4',
    '^1.0.0 || ^2',
    '*',
    'latest',
    'catalog:',
    'npm:mylib@1.4.0',
    '>=1 <2',
    '1.x',
  ]) {
    it(`is of a registry where package.json has it as ${declared}`, () => {
      assert.deepEqual(specs(projectWith(declared, { name: 'mylib', version: '1.4.0' }), ['mylib']), ['mylib 1.4.0'])
    })
  }

  it('is refused where it is a link into a workspace', () => {
    const root = projectFolder({ 'packages/mylib/package.json': manifest({ name: 'mylib', version: '1.0.0' }), x: '' })
    mkdirSync(join(root, 'node_modules'), { recursive: true })
    symlinkSync(join(root, 'packages/mylib'), join(root, 'node_modules/mylib'), 'junction')
    assert.throws(() => specs(root, ['mylib']), /mylib would stay outside .* a link to a folder of this machine/)
  })
})

describe('a package with machine code', () => {
  for (const [what, files] of [
    ['a binary below lib/binding/', { 'lib/binding/napi-v6/addon.node': '' }],
    ['a binary below build/Release/', { 'build/Release/addon.node': '' }],
    ['prebuilds/', { 'prebuilds/linux-x64/addon.node': '' }],
    ['a binary beside its manifest', { 'addon.node': '' }],
  ] as const) {
    it(`is known by ${what}`, () => {
      const placed = Object.fromEntries(
        Object.entries(files).map(([file, text]) => [`node_modules/addon/${file}`, text]),
      )
      const root = projectFolder({
        'package.json': manifest({ dependencies: { addon: '1.0.0' } }),
        'node_modules/addon/package.json': manifest({ name: 'addon', version: '1.0.0' }),
        ...placed,
      })
      assert.deepEqual(specs(root, ['addon']), ['addon 1.0.0'])
      assert.deepEqual(
        nativePackages(root).map(({ name, version }) => `${name} ${version}`),
        ['addon 1.0.0'],
      )
    })
  }

  for (const fields of [
    { binary: { module_name: 'addon' } },
    { dependencies: { bindings: '1.5.0' } },
    { dependencies: { 'node-gyp-build': '4' } },
    { dependencies: { 'prebuild-install': '7' } },
  ]) {
    it(`is known by ${JSON.stringify(fields)} in its manifest`, () => {
      const root = projectWith('1.0.0', { name: 'mylib', version: '1.0.0', ...fields })
      assert.equal(nativePackages(root).length, 1)
    })
  }

  it('is found behind the links of pnpm, which puts it beside the package that needs it', () => {
    const store = 'node_modules/.pnpm'
    const root = projectFolder({
      'package.json': manifest({ dependencies: { plain: '1.0.0' } }),
      [`${store}/plain@1.0.0/node_modules/plain/package.json`]: manifest({
        name: 'plain',
        version: '1.0.0',
        dependencies: { addon: '2.0.0' },
      }),
      [`${store}/addon@2.0.0/node_modules/addon/package.json`]: manifest({
        name: 'addon',
        version: '2.0.0',
        gypfile: true,
      }),
    })
    symlinkSync(join(root, store, 'plain@1.0.0/node_modules/plain'), join(root, 'node_modules/plain'), 'junction')
    const addon = join(root, store, 'addon@2.0.0/node_modules/addon')
    symlinkSync(addon, join(root, store, 'plain@1.0.0/node_modules/addon'), 'junction')
    assert.deepEqual(specs(root, ['addon']), ['addon 2.0.0'])
    assert.equal(outsidePackages(root, ['addon'], nativePackages(root))[0]?.folder, addon)
  })
})

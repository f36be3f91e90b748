import type { Command } from 'commander'
import type * as Brand from './commands/brand.ts'
import { doing, examples } from './registration.ts'

type Module = typeof Brand
type BrandOptions = Parameters<Module['showBrand']>[0]
const load = (): Promise<Module> => import('./commands/brand.ts')

export function registerBrand(program: Command): void {
  const brand = program
    .command('brand')
    .description("what a partner's customers see: name, logo, colours, texts, domain")
    .option('--partner <id>', "whose (default: the hub's own tenant)")
    .addHelpText(
      'after',
      examples(
        'brand show --effective',
        'brand set @brand.json',
        'brand upload logo ./logo.svg',
        'brand preview',
        'brand publish',
        'brand versions',
        'brand restore 3',
        'brand domain add connect.example.com',
      ),
    )
  brand
    .command('show')
    .description('the draft and what is published')
    .option('--effective', 'also what people see, after what comes from the partners above')
    .action(doing(async (o, options: BrandOptions) => (await load()).showBrand(options, o)))
  brand
    .command('set <json>')
    .description('write a new version down: a JSON object, or @file; a draft')
    .option('--note <text>', 'for those who look at the versions later')
    .action(
      doing(async (o, options: BrandOptions & { note?: string }, json: string) =>
        (await load()).setBrand(json, options, o),
      ),
    )
  brand
    .command('upload <kind> <file>')
    .description('a file for it (logo, favicon, image, font); answers its id')
    .action(
      doing(async (o, options: BrandOptions, kind: string, file: string) =>
        (await load()).uploadAsset(kind, file, options, o),
      ),
    )
  brand
    .command('preview [version]')
    .description('a link to the connect page with the draft, or with a version')
    .action(
      doing(async (o, options: BrandOptions, version: string | undefined) =>
        (await load()).previewBrand(version, options, o),
      ),
    )
  brand
    .command('publish [version]')
    .description('put the draft in force, or a version')
    .action(
      doing(async (o, options: BrandOptions, version: string | undefined) =>
        (await load()).publishBrand(version, options, o),
      ),
    )
  brand
    .command('versions')
    .description('every version, newest first')
    .action(doing(async (o, options: BrandOptions) => (await load()).listVersions(options, o)))
  brand
    .command('restore <version>')
    .description('make an old version the draft')
    .action(
      doing(async (o, options: BrandOptions, version: string) =>
        (await load()).restoreVersion(version, options, o),
      ),
    )
  registerDomains(brand)
}

function registerDomains(brand: Command): void {
  const domain = brand.command('domain').description('domains whose pages have the brand')
  domain
    .command('list')
    .description('every domain, with the record that proves it')
    .action(doing(async (o, options: BrandOptions) => (await load()).listDomains(options, o)))
  domain
    .command('add <domain>')
    .description('add one; answers the record to enter in its DNS')
    .action(
      doing(async (o, options: BrandOptions, name: string) => (await load()).addDomain(name, options, o)),
    )
  domain
    .command('verify <id>')
    .description('look for its record now')
    .action(
      doing(async (o, options: BrandOptions, id: string) => (await load()).verifyDomain(id, options, o)),
    )
  domain
    .command('remove <id>')
    .description('remove one')
    .action(
      doing(async (o, options: BrandOptions, id: string) => (await load()).removeDomain(id, options, o)),
    )
}

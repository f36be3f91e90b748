/**
 * The environment, read once: each variable checked, wrong ones listed together with their remedy, the result frozen.
 * Nothing else in the hub reads `process.env`, except what finds and starts the programs of `tieline up`.
 */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import path from 'node:path'
import { loadClientConnectConfig, type ClientConnectConfig } from '@temporalio/envconfig'
import { cleanEnv, makeValidator, type ReporterOptions } from 'envalid'
import { messageOf } from './errors.ts'

export type Environment = 'development' | 'production' | 'test'
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** A Temporal service outside the hub, as the SDK's own variables and profiles describe it. */
export interface TemporalTarget {
  readonly address: string
  readonly namespace: string
  /** TLS, API key and metadata included; fits `NativeConnection.connect` and `Connection.connect`. */
  readonly connection: ClientConnectConfig['connectionOptions']
}

/** An OpenID Connect provider that people sign in at. */
export interface OidcConfig {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** Domains of e-mail addresses that may come from there; empty: any. */
  readonly allowedDomains: readonly string[]
}

export interface Config {
  readonly environment: Environment
  /** Directory of the embedded hub's data, secrets and logs; absolute. */
  readonly home: string
  /** Address that the API listens on. */
  readonly host: string
  readonly port: number
  readonly temporalPort: number
  readonly temporalUiPort: number
  readonly pgPort: number
  readonly sandboxPort: number
  /** Where others reach the API, without a slash at the end. */
  readonly publicUrl: string
  /** Undefined: embedded Postgres. */
  readonly databaseUrl: string | undefined
  /** Undefined: embedded Temporal dev server. */
  readonly temporal: TemporalTarget | undefined
  /** Where the Temporal UI is, for links; without a slash at the end. */
  readonly temporalUiUrl: string
  /** Bearer token of the admin API. Undefined: the embedded hub makes one. */
  readonly adminToken: string | undefined
  /** Key ring text (`platform/secrets/keyring.ts`). Undefined: the embedded hub makes one. */
  readonly encryptionKeys: string | undefined
  /** Real origin → where its calls go instead. Empty in production. */
  readonly originMap: Readonly<Record<string, string>>
  readonly logLevel: LogLevel
  /** Queue of workflows and hub work; a provider's calls run on `<taskQueue>-<slug>`. */
  readonly taskQueue: string
  readonly workerId: string
  /** Where a worker serves its metrics for Prometheus. Undefined: not at all. */
  readonly workerMetricsPort: number | undefined
  /** The same for those of the Temporal SDK inside the worker. */
  readonly temporalMetricsPort: number | undefined
  /** Proxies whose `X-Forwarded-For` is believed: addresses and networks in CIDR. */
  readonly trustedProxies: readonly string[]
  /** Days after which signing keys are replaced by schedule; 0: by hand only. */
  readonly signingKeyDays: number
  /** Webhooks (and refused ones) of one address a minute, in each API process. */
  /** Where people may sign in instead of with a password. Undefined: nowhere. */
  readonly oidc: OidcConfig | undefined
  readonly hookRates: { readonly perAddress: number; readonly refusalsPerAddress: number }
  /** How often the connections of each provider are checked. */
  readonly healthEverySeconds: number
  /** How long an access token of `/v1/oauth/token` lives. */
  readonly accessTokenSeconds: number
}

/** What a process that runs alone (`tieline serve …`) cannot do without. */
export interface ServiceConfig extends Config {
  readonly databaseUrl: string
  readonly temporal: TemporalTarget
  readonly adminToken: string
  readonly encryptionKeys: string
}

/** One variable that is wrong: `remedy` says what it should be. The value itself is never shown: it may be a secret. */
export interface ConfigProblem {
  readonly variable: string
  readonly remedy: string
}

/** Some variables are missing or wrong. The message has one line for each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(({ variable, remedy }) => `${variable} ${remedy}`).join('\n'))
    this.problems = problems
  }
}

const root = path.resolve(import.meta.dirname, '..')
const withoutSlash = (url: string): string => url.replace(/\/+$/, '')

/** A validator that says what the value should be whenever `parse` throws or gives nothing. */
const checked = <T>(remedy: string, parse: (text: string) => T | undefined) =>
  makeValidator<T>((text) => {
    let value: T | undefined
    try {
      value = parse(text.trim())
    } catch {
      value = undefined
    }
    if (value === undefined) throw new Error(remedy)
    return value
  })

const portNumber = checked('should be a port number from 1 to 65535', (text) => {
  const port = Number(text)
  return /^\d+$/.test(text) && port >= 1 && port <= 65_535 ? port : undefined
})
const webUrl = checked('should be a URL that begins with http:// or https://', (text) =>
  ['http:', 'https:'].includes(new URL(text).protocol) ? withoutSlash(text) : undefined,
)
const postgresUrl = checked('should be a URL like postgres://user:password@host:5432/database', (text) => {
  const url = new URL(text)
  return ['postgres:', 'postgresql:'].includes(url.protocol) && url.pathname.length > 1 ? text : undefined
})
const name = checked('should be letters, digits, "-", "_" and "."', (text) =>
  /^[\w.-]{1,120}$/.test(text) ? text : undefined,
)
const address = checked('should be an IP address or host name to listen on', (text) =>
  /^[\w.:-]{1,253}$/.test(text) ? text : undefined,
)
const token = checked('should be a secret of at least 24 characters without spaces', (text) =>
  /^\S{24,}$/.test(text) ? text : undefined,
)
const keyRing = checked(
  'should be "<id>:<32 bytes in base64>", several separated by commas, the current one first',
  (text) =>
    text.split(',').every((entry) => {
      const [, encoded] = /^\s*[\w.-]+:([A-Za-z0-9+/_-]+={0,2})\s*$/.exec(entry) ?? []
      return encoded !== undefined && Buffer.from(encoded, 'base64').length === 32
    })
      ? text
      : undefined,
)
const directory = checked('should be a directory', (text) => path.resolve(text))
const oneOf = <T extends string>(choices: readonly T[]) =>
  checked(`should be one of ${choices.join(', ')}`, (text) => choices.find((choice) => choice === text))

const networks = checked(
  'should be IP addresses or networks like 10.0.0.0/8, separated by commas',
  (text) => {
    const list = text.split(',').map((one) => one.trim())
    const isNetwork = (one: string): boolean => {
      const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(one) ?? []
      const version = isIP(address)
      return version !== 0 && Number(bits ?? 0) <= (version === 4 ? 32 : 128)
    }
    return list.every(isNetwork) ? list : undefined
  },
)
const positive = checked('should be a whole number of at least 1', (text) =>
  /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined,
)

const secondsBetween = (least: number, most: number) =>
  checked(`should be a whole number of seconds from ${least} to ${most}`, (text) => {
    const value = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined
    return value !== undefined && value >= least && value <= most ? value : undefined
  })
const days = checked('should be a whole number of days, 0 to 3650', (text) =>
  /^\d{1,4}$/.test(text) && Number(text) <= 3650 ? Number(text) : undefined,
)

const realOrigin = /^https?:\/\/(\*\.)?[a-z0-9.-]+(:\d+)?$/i
const originMap = checked(
  'should be a JSON object {"https://real.origin": "http://127.0.0.1:4410/replacement"}, or the path of a file holding one',
  (text) => {
    const parsed: unknown = JSON.parse(text.startsWith('{') ? text : readFileSync(text, 'utf8'))
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined
    const entries = Object.entries(parsed as Record<string, unknown>).map(([from, to]) => {
      if (!realOrigin.test(from) || typeof to !== 'string' || !/^https?:/.test(new URL(to).protocol))
        throw new Error(from)
      return [from, withoutSlash(to)] as const
    })
    return Object.freeze(Object.fromEntries(entries))
  },
)

const oidcText = makeValidator((input: string): string => input.trim())

const domains = makeValidator((input: string): readonly string[] => {
  const list = input.split(',').map((domain) => domain.trim().toLowerCase())
  if (list.every((domain) => /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(domain))) return list
  throw new Error('should be domains separated by commas: acme.example,acme.org')
})

const specification = {
  NODE_ENV: oneOf<Environment>(['development', 'production', 'test'])({ default: 'development' }),
  TIELINE_HOME: directory({ default: path.join(root, '.tieline') }),
  TIELINE_HOST: address({ default: '127.0.0.1' }),
  TIELINE_PORT: portNumber({ default: 4400 }),
  TIELINE_TEMPORAL_PORT: portNumber({ default: 7233 }),
  TIELINE_TEMPORAL_UI_PORT: portNumber({ default: 8233 }),
  TIELINE_PG_PORT: portNumber({ default: 54329 }),
  TIELINE_SANDBOX_PORT: portNumber({ default: 4410 }),
  TIELINE_PUBLIC_URL: webUrl({ default: undefined }),
  TIELINE_TEMPORAL_UI_URL: webUrl({ default: undefined }),
  DATABASE_URL: postgresUrl({ default: undefined }),
  TIELINE_ADMIN_TOKEN: token({ default: undefined }),
  TIELINE_ENCRYPTION_KEYS: keyRing({ default: undefined }),
  TIELINE_ORIGIN_MAP: originMap({ default: undefined }),
  TIELINE_LOG_LEVEL: oneOf(logLevels)({ default: 'info' }),
  TIELINE_TASK_QUEUE: name({ default: 'tieline' }),
  TIELINE_WORKER_ID: name({ default: undefined }),
  TIELINE_WORKER_METRICS_PORT: portNumber({ default: undefined }),
  TIELINE_TEMPORAL_METRICS_PORT: portNumber({ default: undefined }),
  TIELINE_OIDC_ISSUER: webUrl({ default: undefined }),
  TIELINE_OIDC_CLIENT_ID: oidcText({ default: undefined }),
  TIELINE_OIDC_CLIENT_SECRET: oidcText({ default: undefined }),
  TIELINE_OIDC_ALLOWED_DOMAINS: domains({ default: [] }),
  TIELINE_TRUSTED_PROXIES: networks({ default: [] }),
  TIELINE_SIGNING_KEY_DAYS: days({ default: 30 }),
  TIELINE_HOOKS_PER_ADDRESS: positive({ default: 60_000 }),
  TIELINE_HOOK_REFUSALS_PER_ADDRESS: positive({ default: 120 }),
  TIELINE_HEALTH_EVERY_SECONDS: secondsBetween(30, 86_400)({ default: 300 }),
  TIELINE_ACCESS_TOKEN_SECONDS: secondsBetween(60, 86_400)({ default: 900 }),
}

/** The ports that `tieline up` listens on, by the variable that moves each. */
const portVariables = [
  'TIELINE_PORT',
  'TIELINE_TEMPORAL_PORT',
  'TIELINE_TEMPORAL_UI_PORT',
  'TIELINE_PG_PORT',
  'TIELINE_SANDBOX_PORT',
] as const

/**
 * Reads and checks the environment. An empty variable counts as not set.
 * @throws ConfigError that lists every wrong variable with its remedy.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env): Config {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''),
  )
  const problems: ConfigProblem[] = []
  const reporter = ({ errors }: ReporterOptions<unknown>): void => {
    for (const [variable, error] of Object.entries(errors))
      problems.push({ variable, remedy: messageOf(error) })
  }
  const values = cleanEnv(given, specification, { reporter })
  // A copy: the original throws when a variable that did not pass is asked for.
  problems.push(...crossChecks({ ...values }))
  const temporal = readTemporal(given as Record<string, string>, problems)
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze({
    environment: values.NODE_ENV,
    home: values.TIELINE_HOME,
    host: values.TIELINE_HOST,
    port: values.TIELINE_PORT,
    temporalPort: values.TIELINE_TEMPORAL_PORT,
    temporalUiPort: values.TIELINE_TEMPORAL_UI_PORT,
    pgPort: values.TIELINE_PG_PORT,
    sandboxPort: values.TIELINE_SANDBOX_PORT,
    publicUrl: values.TIELINE_PUBLIC_URL ?? `http://127.0.0.1:${values.TIELINE_PORT}`,
    databaseUrl: values.DATABASE_URL,
    temporal,
    temporalUiUrl: values.TIELINE_TEMPORAL_UI_URL ?? `http://127.0.0.1:${values.TIELINE_TEMPORAL_UI_PORT}`,
    adminToken: values.TIELINE_ADMIN_TOKEN,
    encryptionKeys: values.TIELINE_ENCRYPTION_KEYS,
    originMap: values.TIELINE_ORIGIN_MAP ?? Object.freeze({}),
    logLevel: values.TIELINE_LOG_LEVEL,
    taskQueue: values.TIELINE_TASK_QUEUE,
    workerId: values.TIELINE_WORKER_ID ?? `${hostname()}-${process.pid}`,
    workerMetricsPort: values.TIELINE_WORKER_METRICS_PORT,
    temporalMetricsPort: values.TIELINE_TEMPORAL_METRICS_PORT,
    trustedProxies: values.TIELINE_TRUSTED_PROXIES,
    healthEverySeconds: values.TIELINE_HEALTH_EVERY_SECONDS,
    oidc: oidcOf({ ...values }),
    signingKeyDays: values.TIELINE_SIGNING_KEY_DAYS,
    hookRates: {
      perAddress: values.TIELINE_HOOKS_PER_ADDRESS,
      refusalsPerAddress: values.TIELINE_HOOK_REFUSALS_PER_ADDRESS,
    },
    accessTokenSeconds: values.TIELINE_ACCESS_TOKEN_SECONDS,
  })
}

function oidcOf(values: Values): OidcConfig | undefined {
  const { TIELINE_OIDC_ISSUER: issuer, TIELINE_OIDC_CLIENT_ID: clientId } = values
  const { TIELINE_OIDC_CLIENT_SECRET: clientSecret, TIELINE_OIDC_ALLOWED_DOMAINS: allowedDomains } = values
  if (issuer === undefined || clientId === undefined || clientSecret === undefined) return undefined
  return Object.freeze({ issuer, clientId, clientSecret, allowedDomains: allowedDomains ?? [] })
}

type Values = {
  readonly [K in keyof typeof specification]: ReturnType<(typeof specification)[K]['_parse']> | undefined
}

/** What no single variable shows: two parts on one port, a redirection in production. */
function crossChecks(values: Values): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  const seen = new Map<number, string>()
  for (const variable of portVariables) {
    const port = values[variable]
    if (port === undefined) continue
    const other = seen.get(port)
    if (other) problems.push({ variable, remedy: `should differ from ${other}: both are ${port}` })
    else seen.set(port, variable)
  }
  const oidc = ['TIELINE_OIDC_ISSUER', 'TIELINE_OIDC_CLIENT_ID', 'TIELINE_OIDC_CLIENT_SECRET'] as const
  const missing = oidc.filter((variable) => values[variable] === undefined)
  if (missing.length > 0 && missing.length < oidc.length)
    for (const variable of missing)
      problems.push({ variable, remedy: 'is missing: the three TIELINE_OIDC_… settings go together' })
  if (values.NODE_ENV === 'production' && Object.keys(values.TIELINE_ORIGIN_MAP ?? {}).length > 0) {
    problems.push({ variable: 'TIELINE_ORIGIN_MAP', remedy: 'should not be set when NODE_ENV is production' })
  }
  return problems
}

/**
 * The Temporal service that the SDK's variables name, if they name one. The user's own `temporal.toml` counts only when
 * TEMPORAL_CONFIG_FILE or TEMPORAL_PROFILE asks for it: `npm start` must not end up in a cluster nobody mentioned.
 */
function readTemporal(env: Record<string, string>, problems: ConfigProblem[]): TemporalTarget | undefined {
  try {
    const { connectionOptions, namespace } = loadClientConnectConfig({
      overrideEnvVars: env,
      disableFile: !env['TEMPORAL_CONFIG_FILE'] && !env['TEMPORAL_PROFILE'],
      ...(env['TEMPORAL_PROFILE'] ? { profile: env['TEMPORAL_PROFILE'] } : {}),
    })
    const target = connectionOptions.address
    if (!target) return undefined
    if (!/^[\w.[\]:-]+:\d{1,5}$/.test(target)) {
      problems.push({ variable: 'TEMPORAL_ADDRESS', remedy: 'should be host:port, without a scheme' })
    }
    return Object.freeze({
      address: target,
      namespace: namespace ?? 'default',
      connection: connectionOptions,
    })
  } catch (error) {
    const variable = env['TEMPORAL_CONFIG_FILE'] ? 'TEMPORAL_CONFIG_FILE' : 'TEMPORAL_PROFILE'
    problems.push({ variable, remedy: `should name a readable Temporal profile: ${messageOf(error)}` })
    return undefined
  }
}

/**
 * The same for a process that runs alone: what the embedded hub would have made must be given.
 * @throws ConfigError as `readConfig`, and for each of the four that is missing.
 */
export function readServiceConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
): ServiceConfig {
  const config = readConfig(env)
  const { databaseUrl, temporal, adminToken, encryptionKeys } = config
  if (databaseUrl !== undefined && temporal && adminToken !== undefined && encryptionKeys !== undefined) {
    return Object.freeze({ ...config, databaseUrl, temporal, adminToken, encryptionKeys })
  }
  const needed = {
    DATABASE_URL: [
      databaseUrl,
      'is missing: the Postgres to use, postgres://user:password@host:5432/database',
    ],
    TEMPORAL_ADDRESS: [temporal, 'is missing: the Temporal service to use, host:port'],
    TIELINE_ADMIN_TOKEN: [
      adminToken,
      'is missing: a secret of at least 24 characters, the same for all processes',
    ],
    TIELINE_ENCRYPTION_KEYS: [
      encryptionKeys,
      'is missing: "<id>:<32 bytes in base64>", the same for all processes',
    ],
  } as const
  const missing = Object.entries(needed).filter(([, [value]]) => value === undefined)
  throw new ConfigError(missing.map(([variable, [, remedy]]) => ({ variable, remedy })))
}

/** The configuration for people: secrets masked, the password in the database's URL too. */
export function printConfig(config: Config): Record<string, unknown> {
  const mask = (secret: string | undefined): string | undefined =>
    secret === undefined ? undefined : '[redacted]'
  return {
    ...config,
    databaseUrl: config.databaseUrl?.replace(/\/\/([^:@/]+):[^@]*@/, '//$1:[redacted]@'),
    temporal: config.temporal && { address: config.temporal.address, namespace: config.temporal.namespace },
    adminToken: mask(config.adminToken),
    encryptionKeys: mask(config.encryptionKeys),
    oidc: config.oidc && { ...config.oidc, clientSecret: mask(config.oidc.clientSecret) },
  }
}

// Who may import whom (design §3, house-style §3). Run by `npm run check`.
const rooms = 'model|platform|db|openapi|providers|activities|workflows|workers|api|client|cli|sandbox|web'
const never = (name, from, to) => ({ name, severity: 'error', from, to })
const only = (room, ...may) =>
  never(
    `${room} imports only ${may.join(' ') || 'itself'}`,
    { path: `^${room}/`, pathNot: '\\.test\\.ts$|^db/generate-types' },
    { path: `^(${rooms})/`, pathNot: [room, ...may].map((m) => `^${m}`) },
  )
module.exports = {
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^\\.tieline' },
  },
  forbidden: [
    only('model'),
    only('platform', 'model/'),
    only('db', 'model/', 'platform/'),
    only('providers', 'model/', 'platform/', 'sandbox/kit'),
    only('activities', 'model/', 'platform/', 'db/', 'providers/(registry|contract|http/)'),
    never(
      'workflows import only model and types of activities',
      { path: '^workflows/', pathNot: '^workflows/client|\\.test\\.ts$' },
      { path: `^(${rooms})/`, pathNot: ['^workflows/', '^model/', '^activities/'] },
    ),
    never(
      'the client of workflows stays out of their bundle',
      { path: '^workflows/', pathNot: '^workflows/client|\\.test\\.ts$' },
      { path: '^workflows/client' },
    ),
    never(
      'the client of workflows imports only model, platform and workflows',
      { path: '^workflows/client', pathNot: '\\.test\\.ts$' },
      { path: `^(${rooms})/`, pathNot: ['^workflows/', '^model/', '^platform/'] },
    ),
    only(
      'workers',
      'model/',
      'platform/',
      'db/',
      'providers/(registry|contract|http/)',
      'activities/',
      'workflows/',
    ),
    only(
      'api',
      'model/',
      'platform/',
      'db/',
      'openapi/',
      'providers/(registry|contract)',
      'workflows/client',
    ),
    only(
      'cli',
      'model/',
      'platform/',
      'db/',
      'openapi/',
      'client/',
      'workflows/client',
      'sandbox/',
      'workers/',
      'api/(main|server)',
    ),
    only('client', 'openapi/'),
    only('sandbox', 'model/', 'platform/', 'providers/(registry|contract|[^/]+/simulator)'),
    only('web', 'openapi/', 'model/'),
    never(
      'a provider never sees another',
      { path: '^providers/([^/]+)/' },
      { path: '^providers/[^/]+/', pathNot: '^providers/($1|http|hooks)/' },
    ),
    never(
      'workflows take only types from activities',
      { path: '^workflows/', pathNot: '\\.test\\.ts$' },
      { path: '^activities/', dependencyTypesNot: ['type-only'] },
    ),
    never(
      'workflows and model use no node built-in',
      { path: '^(workflows|model)/', pathNot: '\\.test\\.ts$' },
      { dependencyTypes: ['core'] },
    ),
    never(
      'only db talks SQL',
      { path: `^(${rooms})/`, pathNot: '^db/|\\.test\\.ts$' },
      { path: 'node_modules/(kysely|pg|pg-copy-streams)/', dependencyTypesNot: ['type-only'] },
    ),
    never(
      'only providers/http opens sockets',
      { path: '^providers/', pathNot: '^providers/http/|\\.test\\.ts$|/simulator' },
      { path: '^(node:)?(http|https|http2|net|tls|dgram|dns)$' },
    ),
    never('no cycles', {}, { circular: true }),
  ],
}

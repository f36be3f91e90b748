import type { SetupField, SetupStep } from '../contract.ts'

const field = (
  name: string,
  label: string,
  help: string,
  more: Pick<SetupField, 'pattern' | 'patternHint'> & Partial<SetupField>,
): SetupField => ({ name, label, help, secret: false, required: false, ...more })

const number = { pattern: '^[0-9]{1,18}$', patternHint: 'Digits only' }
const day = '[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])'

/** What whoever connects Mixpanel is shown, in order. */
export const setup: readonly SetupStep[] = [
  {
    title: 'Your project',
    text:
      'In Mixpanel open Settings › Project Settings › Overview. It shows the project’s id, its token and where its data ' +
      'are kept. The region was chosen when the project was made and cannot be changed; data sent to another one are lost.',
    fields: [
      field(
        'region',
        'Data residency',
        'us for the United States, eu for the European Union, in for India.',
        {
          required: true,
          pattern: '^(us|eu|in)$',
          patternHint: 'One of us, eu and in',
          example: 'us',
          env: 'MIXPANEL_REGION',
        },
      ),
      field('project_id', 'Project id', 'The number, not the token.', {
        required: true,
        ...number,
        example: '3000001',
        env: 'MIXPANEL_PROJECT_ID',
      }),
      field(
        'project_token',
        'Project token',
        'Needed to write profiles and groups and to erase people. It names the project and is no secret.',
        {
          pattern: '^[A-Za-z0-9]{16,64}$',
          patternHint: 'The token alone: letters and digits, usually 32 of them',
          env: 'MIXPANEL_TOKEN',
        },
      ),
      field(
        'workspace_id',
        'Workspace id',
        'Needed for experiments, and for queries where the project has data views: the number after /view/ in the address bar.',
        { ...number, example: '4000001', env: 'MIXPANEL_WORKSPACE_ID' },
      ),
    ],
  },
  {
    title: 'A service account',
    text:
      'In Organization Settings › Service Accounts add one named "tieline" with the role Admin in this project: importing ' +
      'events takes Admin or Owner. Copy its secret at once; Mixpanel shows it only then. Give it no expiry date, or ' +
      'remember to rotate it before.',
    fields: [
      field('username', 'Username', 'As Mixpanel shows it, with its ending.', {
        required: true,
        pattern: '^[^\\s:]{1,200}$',
        patternHint: 'The whole name, such as tieline.a1b2c3.mp-service-account, without a colon',
        example: 'tieline.a1b2c3.mp-service-account',
        env: 'MIXPANEL_SERVICE_ACCOUNT_USERNAME',
      }),
      field('secret', 'Secret', 'Kept encrypted; never shown again.', {
        secret: true,
        required: true,
        pattern: '^[\\x21-\\x7e]{16,255}$',
        patternHint: 'The secret alone: 16 or more characters without spaces',
        env: 'MIXPANEL_SERVICE_ACCOUNT_SECRET',
      }),
      field(
        'organization_id',
        'Organization id',
        'Only for rotating the credential: the number in the address of Organization Settings. The account must then be an admin of the organization.',
        { ...number, example: '5000001', env: 'MIXPANEL_ORGANIZATION_ID' },
      ),
      field(
        'service_account_id',
        'Service account id',
        'Kept by the hub after a rotation; leave it empty.',
        number,
      ),
    ],
  },
  {
    title: 'What is read',
    text:
      'Mixpanel allows 60 queries and 60 exports an hour for the whole project, all tools together. These answers decide ' +
      'how many the hub spends; all may stay empty.',
    fields: [
      field('start_date', 'Events since', 'Leave empty for the last 30 days.', {
        pattern: `^${day}$`,
        patternHint: 'A day: 2026-01-31',
        example: '2026-01-01',
      }),
      field(
        'lookback_days',
        'Days that are read again',
        'Events may arrive days after they took place; each run reads so many days again. Leave empty for 5.',
        { pattern: '^([0-9]|[1-8][0-9]|90)$', patternHint: 'A whole number from 0 to 90', example: '5' },
      ),
      field(
        'cohort_ids',
        'Cohorts whose members are read',
        'Each cohort costs a query per thousand members and run. Leave empty for all.',
        {
          pattern: '^[0-9]{1,18}(\\s*,\\s*[0-9]{1,18})*$',
          patternHint: 'Numbers with commas between them',
          example: '1200001,1200002',
        },
      ),
      field(
        'queries_per_hour',
        'Queries an hour for the hub',
        'Of the 60 that Mixpanel allows the project. Leave empty for all 60.',
        { pattern: '^([1-9]|[1-5][0-9]|60)$', patternHint: 'A whole number from 1 to 60', example: '40' },
      ),
      field(
        'project_timezone',
        'Time zone of the project',
        'As Project Settings show it. Leave empty for UTC.',
        {
          pattern: '^[A-Za-z]+([/_+-][A-Za-z0-9]+)*$',
          patternHint: 'A name such as Europe/Lisbon or UTC',
          example: 'Europe/Lisbon',
        },
      ),
      field(
        'created_before_2023',
        'Made before 2023',
        'Enter yes for a project that was made before 1 January 2023: Mixpanel keeps the times of its events in the project’s zone.',
        { pattern: '^(yes|no)$', patternHint: 'yes or no', example: 'no' },
      ),
    ],
  },
]

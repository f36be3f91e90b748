import type { SetupStep } from '../contract.ts'

/** Accounts server and API domain of each data centre (README, "Connecting"). */
export const dataCentres: Readonly<Record<string, { readonly accounts: string; readonly api: string }>> = {
  com: { accounts: 'https://accounts.zoho.com', api: 'https://www.zohoapis.com' },
  eu: { accounts: 'https://accounts.zoho.eu', api: 'https://www.zohoapis.eu' },
  in: { accounts: 'https://accounts.zoho.in', api: 'https://www.zohoapis.in' },
  'com.au': { accounts: 'https://accounts.zoho.com.au', api: 'https://www.zohoapis.com.au' },
  jp: { accounts: 'https://accounts.zoho.jp', api: 'https://www.zohoapis.jp' },
  ca: { accounts: 'https://accounts.zohocloud.ca', api: 'https://www.zohoapis.ca' },
  sa: { accounts: 'https://accounts.zoho.sa', api: 'https://www.zohoapis.sa' },
  'com.cn': { accounts: 'https://accounts.zoho.com.cn', api: 'https://www.zohoapis.com.cn' },
}

const names = Object.keys(dataCentres)

export const setup: readonly SetupStep[] = [
  {
    title: 'Your data centre',
    text: 'Open Zoho CRM in the browser: what follows "crm.zoho." in its address is your data centre, "eu" for crm.zoho.eu. In Canada it is "ca" (crm.zohocloud.ca).',
    fields: [
      {
        name: 'data_center',
        label: 'Data centre',
        help: 'The end of the address of your Zoho CRM.',
        secret: false,
        required: true,
        pattern: `^(${names.map((name) => name.replace('.', '\\.')).join('|')})$`,
        patternHint: `One of ${names.join(', ')}`,
        example: 'eu',
      },
    ],
  },
  {
    title: 'Your edition',
    text: 'Calls cost credits of a rolling day that the whole organization shares with its other integrations. No answer says how many there are, so it is asked here.',
    fields: [
      {
        name: 'credits_per_day',
        label: 'API credits a day',
        help: 'Leave empty for 5,000 (Free). Otherwise 50,000 and more: Setup › Developer hub › APIs & SDKs › API dashboard shows it.',
        secret: false,
        required: false,
        pattern: '^[1-9][0-9]{3,8}$',
        patternHint: 'A whole number: 50000',
        example: '50000',
      },
    ],
  },
]

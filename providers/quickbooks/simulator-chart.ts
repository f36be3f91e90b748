/** What a company sets up before it trades: chart of accounts, taxes, terms, items, customers, vendors. */
import type { JsonObject } from '../../model/json.ts'
import type { Chance } from '../../sandbox/kit.ts'

/** Ids of the accounts that the rules themselves post to. */
export const accounts = {
  checking: '1',
  savings: '2',
  receivable: '3',
  undeposited: '4',
  payable: '5',
  salesTax: '6',
  equity: '7',
  sales: '8',
  services: '9',
  purchases: '10',
  creditCard: '11',
  interest: '12',
} as const

type Row = readonly [name: string, type: string, subType: string, classification: string]

const chart: readonly Row[] = [
  ['Checking', 'Bank', 'Checking', 'Asset'],
  ['Savings', 'Bank', 'Savings', 'Asset'],
  ['Accounts Receivable (A/R)', 'Accounts Receivable', 'AccountsReceivable', 'Asset'],
  ['Undeposited Funds', 'Other Current Asset', 'UndepositedFunds', 'Asset'],
  ['Accounts Payable (A/P)', 'Accounts Payable', 'AccountsPayable', 'Liability'],
  ['Board of Equalization Payable', 'Other Current Liability', 'GlobalTaxPayable', 'Liability'],
  ['Opening Balance Equity', 'Equity', 'OpeningBalanceEquity', 'Equity'],
  ['Sales of Product Income', 'Income', 'SalesOfProductIncome', 'Revenue'],
  ['Services', 'Income', 'ServiceFeeIncome', 'Revenue'],
  ['Purchases', 'Cost of Goods Sold', 'SuppliesMaterialsCogs', 'Expense'],
  ['Mastercard', 'Credit Card', 'CreditCard', 'Liability'],
  ['Interest Earned', 'Other Income', 'InterestEarned', 'Revenue'],
  ['Retained Earnings', 'Equity', 'RetainedEarnings', 'Equity'],
  ['Truck', 'Fixed Asset', 'Vehicles', 'Asset'],
  ['Prepaid Expenses', 'Other Current Asset', 'PrepaidExpenses', 'Asset'],
  ['Notes Payable', 'Long Term Liability', 'OtherLongTermLiabilities', 'Liability'],
  ['Advertising', 'Expense', 'AdvertisingPromotional', 'Expense'],
  ['Bank Charges', 'Expense', 'BankCharges', 'Expense'],
  ['Insurance', 'Expense', 'Insurance', 'Expense'],
  ['Legal & Professional Fees', 'Expense', 'LegalProfessionalFees', 'Expense'],
  ['Office Expenses', 'Expense', 'OfficeGeneralAdministrativeExpenses', 'Expense'],
  ['Rent or Lease', 'Expense', 'RentOrLeaseOfBuildings', 'Expense'],
  ['Travel', 'Expense', 'Travel', 'Expense'],
  ['Utilities', 'Expense', 'Utilities', 'Expense'],
  ['Depreciation', 'Other Expense', 'Depreciation', 'Expense'],
]

/** The chart that every company has; as many sub-accounts of expenses as make up the wanted number. */
export function accountBodies(size: number): JsonObject[] {
  return Array.from({ length: Math.max(chart.length, size) }, (_, index) => {
    const row = chart[index]
    const [name, type, subType, classification] = row ?? [
      `Project costs ${index + 1}`,
      'Expense',
      'OtherBusinessExpenses',
      'Expense',
    ]
    return {
      Name: name,
      FullyQualifiedName: row ? name : `Office Expenses:${name}`,
      SubAccount: row === undefined,
      ...(row ? {} : { ParentRef: { value: '21' } }),
      Active: row !== undefined || index % 17 !== 0,
      Classification: classification,
      AccountType: type,
      AccountSubType: subType,
      AcctNum: String(1000 + index * 10),
      CurrencyRef: usd,
    }
  })
}

export const usd = { value: 'USD', name: 'United States Dollar' }
export const currencies: Readonly<Record<string, { name: string; rate: number }>> = {
  USD: { name: 'United States Dollar', rate: 1 },
  EUR: { name: 'Euro', rate: 1.0825 },
}

export const termBodies: readonly JsonObject[] = [
  ['Due on receipt', 0],
  ['Net 15', 15],
  ['Net 30', 30],
  ['Net 60', 60],
].map(([Name = '', DueDays = 0]) => ({ Name, Active: true, Type: 'STANDARD', DueDays, DiscountPercent: 0 }))

export const methodBodies: readonly JsonObject[] = [
  ['Cash', 'NON_CREDIT_CARD'],
  ['Check', 'NON_CREDIT_CARD'],
  ['Visa', 'CREDIT_CARD'],
  ['MasterCard', 'CREDIT_CARD'],
].map(([Name = '', Type = '']) => ({ Name, Type, Active: true }))

const taxes: readonly (readonly [name: string, rate: number])[] = [
  ['California', 8],
  ['Tucson', 2],
  ['AZ State tax', 7.1],
]

export const agencyBodies: readonly JsonObject[] = [
  { DisplayName: 'Board of Equalization', TaxTrackedOnPurchases: false, TaxTrackedOnSales: true },
  { DisplayName: 'Arizona Dept. of Revenue', TaxTrackedOnPurchases: false, TaxTrackedOnSales: true },
]

export const rateBodies: readonly JsonObject[] = taxes.map(([name, rate], index) => ({
  Name: name,
  Description: 'Sales Tax',
  Active: true,
  RateValue: rate,
  AgencyRef: { value: index === 0 ? '1' : '2' },
  SpecialTaxType: 'NONE',
  DisplayType: 'ReadOnly',
}))

/** Companies in the US have the codes TAX and NON by name; those of places have numbers. */
export function taxCodeBodies(size: number): JsonObject[] {
  const place = (index: number): JsonObject => {
    const [name] = taxes[index % taxes.length] ?? ['California', 8]
    return {
      Id: String(index + 2),
      Name: index < taxes.length ? name : `${name} ${index + 2}`,
      Description: name,
      Active: index !== 3,
      Hidden: false,
      Taxable: true,
      TaxGroup: true,
      SalesTaxRateList: {
        TaxRateDetail: [
          {
            TaxRateRef: { value: String((index % taxes.length) + 1), name },
            TaxTypeApplicable: 'TaxOnAmount',
            TaxOrder: 0,
          },
        ],
      },
      PurchaseTaxRateList: { TaxRateDetail: [] },
    }
  }
  const byName = (id: string, taxable: boolean): JsonObject => ({
    Id: id,
    Name: id,
    Description: id,
    Active: true,
    Hidden: false,
    Taxable: taxable,
    TaxGroup: false,
  })
  const places = Array.from({ length: Math.max(1, size - 2) }, (_, index) => place(index))
  return [byName('TAX', true), byName('NON', false), ...places]
}

const services = ['Design', 'Installation', 'Gardening', 'Maintenance', 'Consulting', 'Training', 'Hours']
const goods = ['Rock Fountain', 'Pump', 'Concrete', 'Sprinkler Head', 'Plant Pot', 'Fertilizer', 'Bench']

export function itemBody(index: number, chance: Chance): JsonObject {
  const isService = index % 2 === 0
  const base = (isService ? services : goods)[Math.floor(index / 2) % 7] ?? 'Hours'
  const name = index < 14 ? base : `${base} ${index + 1}`
  return {
    Name: name,
    Description: `${name}, as agreed`,
    Active: index % 23 !== 22,
    Taxable: !isService,
    UnitPrice: 5 + chance.below(400) + chance.pick([0, 0.5, 0.99]),
    Type: isService ? 'Service' : 'NonInventory',
    IncomeAccountRef: { value: isService ? accounts.services : accounts.sales },
    ...(isService
      ? {}
      : { ExpenseAccountRef: { value: accounts.purchases }, PurchaseCost: 4 + chance.below(90) }),
    Sku: `SKU-${String(index + 1).padStart(4, '0')}`,
  }
}

const first = ['Amy', 'Bill', 'Chidi', 'Dukes', 'Freeman', 'Geeta', 'Jeff', 'Kookies', 'Léa', 'Mark', 'Zoë']
const last = ['Lauterbach', 'O’Brien', 'Kalapatapu', 'Okafor', "D'Souza", 'Sporting', 'Tanaka', 'Whitehead']
const shops = ['Bird Sanctuary', 'Windsurf Shop', 'Basketball Camp', 'Cool Cars', 'Film School', 'Books & Co']
const towns: readonly (readonly [string, string, string])[] = [
  ['Bayshore', 'CA', '94326'],
  ['Half Moon Bay', 'CA', '94213'],
  ['Tucson', 'AZ', '85701'],
  ['Menlo Park', 'CA', '94304'],
]

function personBody(index: number, chance: Chance): { given: string; family: string; body: JsonObject } {
  const [given, family] = [chance.pick(first), chance.pick(last)]
  const [City, CountrySubDivisionCode, PostalCode] = chance.pick(towns)
  return {
    given,
    family,
    body: {
      GivenName: given,
      FamilyName: family,
      Active: index % 31 !== 30,
      PrimaryPhone: { FreeFormNumber: `(555) 555-${String(1000 + chance.below(9000))}` },
      PrimaryEmailAddr: { Address: `person${index + 1}@customers.example` },
      BillAddr: {
        Line1: `${1 + chance.below(9000)} Finch St.`,
        City,
        CountrySubDivisionCode,
        PostalCode,
        Country: 'USA',
      },
    },
  }
}

export function customerBody(index: number, chance: Chance): JsonObject {
  const { given, family, body } = personBody(index, chance)
  const isForeign = index % 12 === 5
  const code = isForeign ? 'EUR' : 'USD'
  const shop = chance.pick(shops)
  return {
    ...body,
    DisplayName: `${given} ${family}’s ${shop} ${index + 1}`,
    CompanyName: `${given}'s ${shop}`,
    Taxable: index % 3 === 0,
    Notes: index % 7 === 0 ? 'Prefers e-mail.' : '',
    CurrencyRef: { value: code, name: currencies[code]?.name ?? '' },
    SalesTermRef: { value: chance.pick(['1', '2', '3', '3', '4']) },
    PreferredDeliveryMethod: chance.pick(['Email', 'Print', 'None']),
  }
}

export function vendorBody(index: number, chance: Chance): JsonObject {
  const { given, family, body } = personBody(index, chance)
  return {
    ...body,
    DisplayName: `${family} ${chance.pick(['Supplies', 'Hardware', 'Logistics', 'Power'])} V${index + 1}`,
    CompanyName: `${given} ${family} Ltd`,
    PrimaryEmailAddr: { Address: `office${index + 1}@vendors.example` },
    AcctNum: String(70000 + index),
    Vendor1099: index % 9 === 0,
    CurrencyRef: usd,
    TermRef: { value: '3' },
  }
}

/** `CompanyInfo`: its Id is 1 in every company. */
export const companyInfo = (company: string, times: JsonObject): JsonObject => ({
  CompanyName: company,
  LegalName: company,
  CompanyAddr: {
    Id: '1',
    Line1: '123 Sierra Way',
    City: 'San Pablo',
    Country: 'US',
    CountrySubDivisionCode: 'CA',
    PostalCode: '87999',
  },
  CompanyStartDate: '2024-01-01',
  FiscalYearStartMonth: 'January',
  Country: 'US',
  Email: { Address: 'owner@company.example' },
  WebAddr: {},
  SupportedLanguages: 'en',
  DefaultTimeZone: 'America/Los_Angeles',
  NameValue: [
    { Name: 'NeoEnabled', Value: 'true' },
    { Name: 'IndustryType', Value: 'Landscaping Services' },
    { Name: 'SubscriptionStatus', Value: 'PAID' },
    { Name: 'OfferingSku', Value: 'QuickBooks Online Plus' },
  ],
  domain: 'QBO',
  sparse: false,
  Id: '1',
  SyncToken: '4',
  MetaData: times,
})

export const preferences = (times: JsonObject): JsonObject => ({
  AccountingInfoPrefs: {
    UseAccountNumbers: true,
    TrackDepartments: false,
    ClassTrackingPerTxn: false,
    FirstMonthOfFiscalYear: 'January',
    TaxYearMonth: 'January',
    CustomerTerminology: 'Customers',
  },
  SalesFormsPrefs: {
    CustomTxnNumbers: false,
    AllowDeposit: false,
    AllowDiscount: false,
    AllowShipping: false,
    AutoApplyCredit: false,
    DefaultTerms: { value: '3' },
    ETransactionEnabledStatus: 'NotApplicable',
  },
  VendorAndPurchasesPrefs: { BillableExpenseTracking: true, TrackingByCustomer: true },
  TaxPrefs: { UsingSalesTax: true, PartnerTaxEnabled: true, TaxGroupCodeRef: { value: '2' } },
  CurrencyPrefs: { HomeCurrency: { value: 'USD' }, MultiCurrencyEnabled: true },
  OtherPrefs: { NameValue: [{ Name: 'SalesFormsPrefs.DefaultCustomerMessage', Value: 'Thank you!' }] },
  domain: 'QBO',
  sparse: false,
  Id: '1',
  SyncToken: '7',
  MetaData: times,
})

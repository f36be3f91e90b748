import type { JsonObject } from '../../model/json.ts'

/** `account/settings`: all sections of the official example (account OpenAPI file), some of their fields; legacy CSAT is on. */
export const settings: JsonObject = {
  active_features: {
    customer_satisfaction: true,
    csat_reason_code: true,
    on_hold_status: true,
    ticket_forms: true,
    ticket_tagging: true,
    user_org_fields: true,
    user_tagging: true,
    sandbox: false,
  },
  agents: {
    agent_home: false,
    agent_workspace: false,
    aw_self_serve_migration_enabled: true,
    focus_mode: false,
    idle_timeout_enabled: false,
  },
  api: {
    accepted_api_agreement: true,
    api_password_access: 'true',
    api_token_access: 'true',
  },
  apps: {
    create_private: true,
    create_public: false,
    use: true,
  },
  billing: {
    backend: 'zuora',
  },
  branding: {
    favicon_url: null,
    header_color: '78A300',
    header_logo_url: null,
    page_background_color: '333333',
    tab_background_color: '7FA239',
  },
  brands: {
    default_brand_id: 1873,
    require_brand_on_new_tickets: false,
  },
  cdn: {
    cdn_provider: 'default',
    fallback_cdn_provider: 'secondary',
  },
  chat: {
    available: true,
    enabled: false,
    integrated: true,
    maximum_request_count: 1,
    welcome_message: 'Hi there. How can I help today?',
  },
  cross_sell: {
    show_chat_tooltip: true,
    xsell_source: null,
  },
  email: {
    accept_wildcard_emails: false,
    custom_dkim_domain: false,
    email_sender_authentication: true,
    email_sender_authentication_profile: 'enhanced',
    email_status: true,
  },
  google_apps: {
    has_google_apps: false,
    has_google_apps_admin: false,
  },
  groups: {
    check_group_name_uniqueness: true,
  },
  limits: {
    attachment_size: 52428800,
  },
  localization: {},
  lotus: {
    pod_id: 999,
    prefer_lotus: true,
    reporting: true,
  },
  messaging_inactivity: {
    enabled: true,
    ticket_status_id: 8001424138749,
    timeout: 5,
  },
  metrics: {
    account_size: '100-399',
  },
  onboarding: {
    checklist_onboarding_version: 2,
    onboarding_segments: null,
    product_sign_up: null,
  },
  routing: {
    autorouting_tag: '',
    enabled: false,
    max_email_capacity: 0,
    max_messaging_capacity: 0,
  },
  rule: {
    macro_most_used: true,
    macro_order: 'alphabetical',
    using_skill_based_routing: false,
  },
  side_conversations: {
    email_channel: false,
    msteams_channel: false,
    show_in_context_panel: false,
    slack_channel: false,
    tickets_channel: false,
  },
  statistics: {
    forum: true,
    rule_usage: true,
    search: true,
  },
  ticket_form: {
    raw_ticket_forms_instructions: 'Please choose your issue below',
    ticket_forms_instructions: 'Please choose your issue below',
  },
  tickets: {
    accepted_new_collaboration_tos: false,
    agent_collision: true,
    agent_invitation_enabled: true,
    agent_ticket_deletion: false,
    allow_group_reset: true,
  },
  twitter: {
    shorten_url: 'optional',
  },
  user: {
    agent_created_welcome_emails: true,
    end_user_phone_number_validation: false,
    have_gravatars_enabled: true,
    language_selection: true,
    multiple_organizations: false,
  },
  voice: {
    agent_confirmation_when_forwarding: true,
    agent_wrap_up_after_calls: true,
    enabled: true,
    logging: true,
    maximum_queue_size: 5,
  },
}

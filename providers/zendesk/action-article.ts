import type { Action, ProviderContext } from '../contract.ts'
import type { JsonObject } from '../../model/json.ts'
import { HubError, isHubError } from '../../platform/errors.ts'
import {
  copyFields,
  copyIds,
  idSchema,
  objectSchema,
  optionalText,
  requireText,
  textSchema,
} from './action-input.ts'
import { bodyOf, idText, objectIn, protocolError } from './answer.ts'
import { articlePath, findByTitle } from './article-by-title.ts'

/** `POST /sections/{id}/articles`: `permission_group_id` is required, `user_segment_id: null` means everybody. */
async function create(context: ProviderContext, input: JsonObject, sectionId: string): Promise<JsonObject> {
  if (optionalText(input, 'permissionGroupId') === undefined) {
    throw new HubError(
      'InvalidInput',
      'A new article needs "permissionGroupId": who may edit and publish it',
      {
        fields: [{ pointer: '/permissionGroupId', detail: 'is needed for a new article' }],
      },
    )
  }
  const article: JsonObject = {
    user_segment_id: null,
    ...copyFields(input, {
      title: 'title',
      body: 'bodyHtml',
      locale: 'locale',
      draft: 'isDraft',
      label_names: 'labels',
    }),
    ...copyIds(input, { permission_group_id: 'permissionGroupId', user_segment_id: 'userSegmentId' }),
  }
  const response = await context.call({
    method: 'POST',
    path: `/api/v2/help_center/sections/${encodeURIComponent(sectionId)}/articles`,
    group: 'help_center',
    body: { article, notify_subscribers: input['isAnnounced'] === true },
  })
  const articleId = idText(objectIn(bodyOf(response, 'article'), 'article')['id'])
  if (articleId === undefined) throw protocolError('the article has no id')
  return { articleId, locale: requireText(input, 'locale'), isCreated: true }
}

/**
 * Title, body and draft belong to the translation, everything else to the article: `PUT /articles/{id}` leaves the text
 * alone ("How do I update Help Center articles with the API", support.zendesk.com 4409408122522, read 2026-11-23).
 */
async function writeTranslation(
  context: ProviderContext,
  articleId: string,
  locale: string,
  input: JsonObject,
): Promise<void> {
  const content = copyFields(input, { title: 'title', body: 'bodyHtml', draft: 'isDraft' })
  const path = `${articlePath(articleId)}/translations`
  const updated = await context.call({
    method: 'PUT',
    path: `${path}/${encodeURIComponent(locale)}`,
    group: 'help_center',
    body: { translation: content },
    repeatable: true,
    accept: [404],
  })
  if (updated.status !== 404) return
  try {
    const body: JsonObject = { translation: { ...content, locale } }
    await context.call({ method: 'POST', path, group: 'help_center', body })
  } catch (error) {
    if (!isHubError(error, 'NotFound')) throw error
    throw new HubError(
      'NotFound',
      'Zendesk has no such article, or the language is not enabled in this Help Center',
      { cause: error },
    )
  }
}

async function update(context: ProviderContext, input: JsonObject, articleId: string): Promise<JsonObject> {
  const locale = requireText(input, 'locale')
  await writeTranslation(context, articleId, locale, input)
  const article: JsonObject = {
    ...copyFields(input, { label_names: 'labels' }),
    ...copyIds(input, {
      section_id: 'sectionId',
      permission_group_id: 'permissionGroupId',
      user_segment_id: 'userSegmentId',
    }),
  }
  if (Object.keys(article).length > 0) {
    await context.call({
      method: 'PUT',
      path: articlePath(articleId),
      group: 'help_center',
      body: { article },
      repeatable: true,
    })
  }
  return { articleId, locale, isCreated: false }
}

async function run(context: ProviderContext, input: JsonObject): Promise<JsonObject> {
  const articleId = optionalText(input, 'articleId')
  if (articleId !== undefined) return update(context, input, articleId)
  const sectionId = requireText(input, 'sectionId')
  const found = await findByTitle(
    context,
    sectionId,
    requireText(input, 'title'),
    requireText(input, 'locale'),
  )
  const foundId = found && idText(found['id'])
  return foundId === undefined ? create(context, input, sectionId) : update(context, input, foundId)
}

export const createOrUpdateArticle: Action = {
  name: 'create_or_update_article',
  title: 'Create or update a Help Center article',
  description:
    'With articleId: updates that article in the given language, or adds the language. Without: updates the article of the same title in ' +
    'the section and language, or creates it; so a repetition creates no second one. Subscribers are told only when isAnnounced is true.',
  input: objectSchema(
    {
      articleId: idSchema,
      sectionId: idSchema,
      locale: { type: 'string', pattern: '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$' },
      title: textSchema(255),
      bodyHtml: { type: 'string', maxLength: 1_000_000 },
      isDraft: { type: 'boolean' },
      labels: { type: 'array', items: textSchema(255), maxItems: 50 },
      permissionGroupId: idSchema,
      userSegmentId: {
        ...idSchema,
        type: ['string', 'null'],
        description: 'Who may read it; null: everybody',
      },
      isAnnounced: { type: 'boolean', default: false },
    },
    ['locale', 'title', 'bodyHtml'],
    [
      {
        sectionId: '360004785313',
        locale: 'en-us',
        title: 'How to put out a printer',
        bodyHtml: '<p>Stay calm.</p>',
        permissionGroupId: '56732',
        isDraft: true,
      },
    ],
    { anyOf: [{ required: ['articleId'] }, { required: ['sectionId'] }] },
  ),
  output: objectSchema(
    { articleId: idSchema, locale: { type: 'string' }, isCreated: { type: 'boolean' } },
    ['articleId', 'locale', 'isCreated'],
    [{ articleId: '37486578', locale: 'en-us', isCreated: true }],
  ),
  run,
}

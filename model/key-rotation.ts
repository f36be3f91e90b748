/** Bounds of the rotation of an API key, as the API, the workflow and the store keep them. */

/** How long an old key may live beside the new one, all extensions included. */
export const longestKeyOverlapSeconds = 30 * 86_400

/** Uses are noted once a minute: a key that has been quiet for less may be in use. */
export const shortestQuietSeconds = 300

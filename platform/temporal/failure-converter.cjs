/**
 * Moves a failure's message and stack into a payload, so that the codec encrypts them like everything else. CommonJS,
 * because Temporal loads it by path: with `require` in the process, with webpack in the workflow bundle.
 */
const { DefaultFailureConverter } = require('@temporalio/common')

exports.failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true })

interface ProblemKind {
  /** HTTP status. */
  status: number;
  title: string;
  /** What the caller can do about it. */
  fix: string;
}

/** Every error that the API answers with, by its stable code; docs/errors.md is generated from this table. */
export const PROBLEMS = {
  malformed_json: { status: 400, title: 'The body is not JSON', fix: 'Send one JSON document in UTF-8.' },
  malformed_request: {
    status: 400,
    title: 'The request cannot be read',
    fix: 'Check the address, headers and encoding.',
  },
  idempotency_key_missing: {
    status: 400,
    title: 'Idempotency-Key is missing',
    fix: 'Send an `Idempotency-Key` header that names this business act, and the same one again when you repeat it.',
  },
  idempotency_key_invalid: {
    status: 400,
    title: 'Idempotency-Key is not usable',
    fix: 'Use 1 to 255 visible ASCII characters without spaces.',
  },
  unauthenticated: {
    status: 401,
    title: 'No valid API key',
    fix: 'Send `Authorization: Bearer <key>` with a key that is not revoked.',
  },
  callback_not_authentic: {
    status: 401,
    title: 'The callback is not authentic',
    fix: 'Sign it with the secret, or send the authorization value, that was registered for it.',
  },
  wrong_role: { status: 403, title: 'Not for this kind of key', fix: 'Use a key of the role that the route names.' },
  origin_refused: {
    status: 403,
    title: 'Not from here',
    fix: 'Call from the origin of TEMPORAL_UI_URL, with CODEC_TOKEN; without one set, only a development machine answers, on loopback (ALLOW_LOOPBACK_CODEC).',
  },
  approval_needs_person: {
    status: 403,
    title: 'Only a person decides about a bulk',
    fix: 'Use a key of a person of the merchant, not of a system.',
  },
  own_bulk: {
    status: 403,
    title: 'Who sent a bulk does not decide about it',
    fix: 'Have another person of the merchant decide; every key of one person counts as that person, and so does a key of a system that the person is responsible for.',
  },
  person_not_verified: {
    status: 403,
    title: 'The person is not verified',
    fix: 'Ask the operator to verify you: a person votes after two operators have recorded and confirmed a document.',
  },
  person_not_independent: {
    status: 403,
    title: 'The person is not independent of the sender',
    fix: 'Have another person decide: who invited, verified or merged the sender, or issued a key for them, does not approve for 30 days, and the other way round.',
  },
  sender_unknown: {
    status: 403,
    title: 'The key that sent the bulk names no responsible person',
    fix: 'Cancel the bulk and send it with a key that names one; ask the operator for such a key.',
  },
  not_found: {
    status: 404,
    title: 'There is no such thing',
    fix: 'Check the address and the id, and whose key you use.',
  },
  method_not_allowed: {
    status: 405,
    title: 'Not with this method',
    fix: 'Use one of the methods in the `Allow` header.',
  },
  request_timeout: { status: 408, title: 'The request came in too slowly', fix: 'Send it again, faster.' },
  idempotency_key_reused: {
    status: 409,
    title: 'Idempotency-Key was used for something else',
    fix: 'Take a new key for a new act, or repeat the first request unchanged; the changed fields are named.',
  },
  bulk_state: {
    status: 409,
    title: 'Not in this state of the bulk',
    fix: 'Read the bulk; docs/bulk-states.md says what may follow.',
  },
  approval_required: {
    status: 409,
    title: 'Another person must approve the payout',
    fix: 'With what you sent before, it is above a threshold of the merchant. Send it as a bulk cash-in of one item: another person then approves it.',
  },
  bulk_content_differs: {
    status: 409,
    title: 'The bulk has another content',
    fix: 'Read the bulk again, look at its lines, and send its present `content_sha256` as `content_hash`.',
  },
  bulk_version: {
    status: 409,
    title: 'The bulk is at another version',
    fix: 'Read the bulk again and send its present version as `expected_version`.',
  },
  nothing_failed: {
    status: 409,
    title: 'No line of the bulk is failed',
    fix: 'There is nothing to retry; lines that people look into are theirs.',
  },
  sent_again: {
    status: 409,
    title: 'The payment was sent again since',
    fix: 'Nothing is sent here. If both payments are due, send one as a new payout with its own reference.',
  },
  reference_taken: {
    status: 409,
    title: 'The reference is taken',
    fix: 'Look the earlier payout up by its reference, or use another one.',
  },
  not_cancellable: {
    status: 409,
    title: 'The payout can no longer be cancelled',
    fix: 'Something of it may have been sent, or it is final: follow its state.',
  },
  not_changeable: {
    status: 409,
    title: 'The payout can no longer be changed so',
    fix: 'Description and metadata change while it can be cancelled, its time while it is scheduled.',
  },
  owned_by_bulk: {
    status: 409,
    title: 'The payout belongs to a bulk',
    fix: 'Cancel or retry the bulk that is named.',
  },
  not_retryable: { status: 409, title: 'Only a failed payout is retried', fix: 'Follow its state.' },
  attempt_mismatch: {
    status: 409,
    title: 'The payout is at another attempt',
    fix: 'Read the payout again and send its present attempt as `expected_attempt`.',
  },
  review_open: {
    status: 409,
    title: 'People are looking into the payout',
    fix: 'Wait until the review is closed.',
  },
  retry_found_paid: {
    status: 409,
    title: 'An earlier attempt was paid after all',
    fix: 'Do not send it again; people look into it.',
  },
  retry_not_proven: {
    status: 409,
    title: 'An earlier attempt is not proven unpaid',
    fix: 'Try again later.',
  },
  conflict: { status: 409, title: 'Somebody else changed it at the same time', fix: 'Read it again and decide anew.' },
  endpoint_disabled: {
    status: 409,
    title: 'The endpoint is out of use',
    fix: 'Make a new endpoint: it hears of later events.',
  },
  delivery_under_way: {
    status: 409,
    title: 'The event is being delivered now',
    fix: 'Try again in a minute.',
  },
  bulk_invalid: {
    status: 422,
    title: 'The bulk has errors; nothing of it was taken',
    fix: 'Mend what is named, all of which stands in the report, and send the whole again.',
  },
  too_many_lines: { status: 413, title: 'The bulk has too many lines', fix: 'Send the rest as a bulk of its own.' },
  body_too_large: { status: 413, title: 'The body is too large', fix: 'Keep it below the limit that is named.' },
  unsupported_media_type: {
    status: 415,
    title: 'The body is of another type',
    fix: 'Send a type that the operation takes, mostly `Content-Type: application/json`, in UTF-8, uncompressed or gzip.',
  },
  invalid_request: {
    status: 422,
    title: 'Some fields are invalid',
    fix: 'Change every field that `errors` names; nothing was accepted.',
  },
  search_too_broad: {
    status: 422,
    title: 'The search takes too long',
    fix: 'Narrow the filter: give `created_after` and `created_before`, a `reference` or a `recipient`.',
  },
  payload_not_decodable: {
    status: 422,
    title: 'The payload cannot be opened',
    fix: 'Configure the master key that it was made with, beside the newest one.',
  },
  no_route: {
    status: 422,
    title: 'No account for this method',
    fix: 'Have a credential for the method saved in this environment.',
  },
  insufficient_float: {
    status: 422,
    title: 'The available float is too small',
    fix: 'Top the float up or wait until held amounts are released; nothing was accepted.',
  },
  headers_too_large: { status: 431, title: 'The headers are too large', fix: 'Send fewer or shorter headers.' },
  internal_error: {
    status: 500,
    title: 'Something of ours went wrong',
    fix: 'Repeat the request with the same Idempotency-Key; name the `request_id` when you ask us.',
  },
  unavailable: {
    status: 503,
    title: 'Not possible right now',
    fix: 'Repeat the request after `Retry-After` seconds, with the same Idempotency-Key.',
  },
  restoring: {
    status: 503,
    title: 'The database was restored and is being reconciled with the providers',
    fix: 'Repeat the request after `Retry-After` seconds, with the same Idempotency-Key. Reading works.',
  },
  outcome_not_known: {
    status: 503,
    title: 'It may have been done or not',
    fix: 'Repeat the request with the same Idempotency-Key: it is done once, and the answer tells.',
  },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEMS;

export const PROBLEM_CODES = Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]];

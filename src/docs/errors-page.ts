import { PROBLEMS } from '../domain/problems';

/** docs/errors.md: every code that the API answers with. */
export function errorsPage(): string {
  const rows = Object.entries(PROBLEMS).map(
    ([code, { status, title, fix }]) => `| \`${code}\` | ${status} | ${title} | ${fix} |`,
  );
  return `# Errors

Made by \`npm run docs\` from \`src/domain/problems.ts\`.

Every error is answered as \`application/problem+json\` (RFC 9457). Rely on \`code\`: it never changes its meaning. \`detail\` says
what to change, \`errors\` names every invalid field at once (\`pointer\` into the body, or \`parameter\` of the address), and
\`request_id\`, which is also in the header \`X-Request-Id\`, finds the request in our logs.

\`\`\`json
{
  "type": "urn:cauri:problem:invalid_request",
  "code": "invalid_request",
  "status": 422,
  "title": "Some fields are invalid",
  "detail": "Change every field that \`errors\` names; nothing was accepted.",
  "errors": [{ "pointer": "/amount", "detail": "give an amount above 0" }],
  "request_id": "req_3f0c…"
}
\`\`\`

A refusal leaves no trace: its \`Idempotency-Key\` is free. After a 5xx, or no answer at all, repeat the request **with the same
key**: it is done once, whatever became of the first one.

| code | status | means | what to do |
|---|---|---|---|
${rows.join('\n')}
`;
}

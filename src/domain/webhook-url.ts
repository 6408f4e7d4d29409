/** The URL in its normal form, or what is wrong with how it is written. Where it leads is checked at each delivery. */
export function parseWebhookUrl(
  input: string,
  { allowLoopback }: { allowLoopback: boolean },
): { ok: true; url: string } | { ok: false; advice: string } {
  if (!URL.canParse(input)) return { ok: false, advice: 'give a complete URL, such as https://example.com/webhooks' };
  const url = new URL(input);
  if (url.username !== '' || url.password !== '') return { ok: false, advice: 'leave the name and password out' };
  const isAllowedHttp = allowLoopback && url.protocol === 'http:' && isLoopback(url.hostname);
  if (url.protocol !== 'https:' && !isAllowedHttp) return { ok: false, advice: 'give an https URL' };
  url.hash = '';
  return { ok: true, url: url.href };
}

/** `URL` has written every spelling of an IPv4 address as four numbers by then. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

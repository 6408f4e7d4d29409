import { Webhook } from 'standardwebhooks';

/** The headers of Standard Webhooks for one attempt; two secrets, during a rotation, give two signatures. */
export function signWebhook(
  message: { id: string; body: string; at: Date },
  secrets: readonly string[],
): Record<string, string> {
  const signatures = secrets.map((secret) => new Webhook(secret).sign(message.id, message.at, message.body));
  return {
    'webhook-id': message.id,
    'webhook-timestamp': String(Math.floor(message.at.getTime() / 1_000)),
    'webhook-signature': signatures.join(' '),
  };
}

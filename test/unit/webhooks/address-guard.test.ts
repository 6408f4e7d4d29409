import { checkTarget, explainRefusal } from '../../../src/webhooks/address-guard';

const PUBLIC = ['93.184.215.14', '2606:2800:21f:cb07:6820:80da:af6b:8b2c'];

const guarded = { allowLoopback: false, lookup: () => Promise.resolve(PUBLIC) };

function resolvingTo(...addresses: string[]): typeof guarded {
  return { allowLoopback: false, lookup: () => Promise.resolve(addresses) };
}

describe('the address guard', () => {
  test('lets a public host pass and names the one address to connect to', async () => {
    const { address } = await checkTarget('https://hooks.example.com/a?b=c', guarded);
    expect(address).toBe(PUBLIC[0]);
  });

  test.each(['8.8.8.8', '[2606:4700:4700::1111]'])('lets the public address %s pass', async (host) => {
    expect(await explainRefusal(`https://${host}/`, guarded)).toBeNull();
  });

  test.each([
    ['loopback', '127.0.0.1'],
    ['any loopback', '127.8.9.10'],
    ['this host', '0.0.0.0'],
    ['private 10/8', '10.1.2.3'],
    ['private 172.16/12', '172.31.255.255'],
    ['private 192.168/16', '192.168.0.1'],
    ['carrier NAT and Alibaba metadata', '100.100.100.200'],
    ['link-local metadata', '169.254.169.254'],
    ['Azure host agent', '168.63.129.16'],
    ['protocol assignments and Oracle metadata', '192.0.0.192'],
    ['documentation', '203.0.113.9'],
    ['benchmarking', '198.18.0.1'],
    ['multicast', '224.0.0.1'],
    ['reserved', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['IPv6 unspecified', '::'],
    ['IPv6 loopback', '::1'],
    ['IPv6 link-local', 'fe80::1'],
    ['IPv6 link-local with a zone', 'fe80::1%eth0'],
    ['IPv6 site-local', 'fec0::1'],
    ['IPv6 unique local', 'fd12:3456:789a::1'],
    ['AWS metadata by IPv6', 'fd00:ec2::254'],
    ['IPv6 multicast', 'ff02::1'],
    ['IPv4-mapped loopback', '::ffff:127.0.0.1'],
    ['IPv4-mapped metadata', '::ffff:a9fe:a9fe'],
    ['IPv4-compatible loopback', '::127.0.0.1'],
    ['IPv4-translated', '::ffff:0:127.0.0.1'],
    ['6to4 of a private address', '2002:0a01:0203::1'],
    ['NAT64 of the metadata address', '64:ff9b::a9fe:a9fe'],
    ['local NAT64', '64:ff9b:1::7f00:1'],
    ['Teredo', '2001:0:4136:e378:8000:63bf:3fff:fdd2'],
    ['ISATAP of loopback', '2606:4700::5efe:7f00:1'],
    ['IPv6 documentation', '2001:db8::1'],
    ['IPv6 that nobody was assigned', '4000::1'],
    ['discard only', '100::1'],
    ['no address at all', 'nonsense'],
  ])('refuses a host that resolves to %s, also behind a public address', async (_what, address) => {
    await expect(checkTarget('https://hooks.example.com/', resolvingTo(address))).rejects.toThrow('resolves to');
    await expect(checkTarget('https://hooks.example.com/', resolvingTo(...PUBLIC, address))).rejects.toThrow();
  });

  test.each([
    'https://2130706433/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
    'https://127.1/',
    'https://[::ffff:7f00:1]/',
    'https://127.0.0.1./',
  ])('sees through the spelling %s', async (url) => {
    await expect(checkTarget(url, guarded)).rejects.toThrow('resolves to a loopback address');
  });

  test.each([
    ['plain http', 'http://hooks.example.com/', 'only https'],
    ['another scheme', 'file:///etc/passwd', 'only https'],
    ['credentials', 'https://user:secret@hooks.example.com/', 'credentials'],
    ['no URL', 'hooks.example.com', 'not a URL'],
  ])('refuses %s and says why, without the URL', async (_what, url, why) => {
    const refusal = await explainRefusal(url, guarded);
    expect(refusal).toContain(why);
    expect(refusal).not.toContain('secret');
  });

  test('refuses a host without an address and one that does not resolve', async () => {
    expect(await explainRefusal('https://hooks.example.com/', resolvingTo())).toBe('the host has no address');
    const lookup = (): Promise<never> => Promise.reject(new Error('ENOTFOUND'));
    expect(await explainRefusal('https://hooks.example.com/', { allowLoopback: false, lookup })).toBe(
      'the host does not resolve',
    );
  });

  describe('with the development switch', () => {
    const loopback = { allowLoopback: true, lookup: () => Promise.resolve(['127.0.0.1', '::1']) };

    test('lets http to loopback pass', async () => {
      expect((await checkTarget('http://localhost:8080/', loopback)).address).toBe('127.0.0.1');
      expect(await explainRefusal('http://127.0.0.1:8080/', loopback)).toBeNull();
    });

    test('still refuses every other special address, and http to public ones', async () => {
      const privately = { allowLoopback: true, lookup: () => Promise.resolve(['127.0.0.1', '10.0.0.1']) };
      expect(await explainRefusal('http://localhost/', privately)).toContain('private');
      expect(await explainRefusal('http://8.8.8.8/', loopback)).toBe('plain http is allowed to loopback only');
    });
  });
});

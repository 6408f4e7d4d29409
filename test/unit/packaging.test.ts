import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

import { CONFIG_SCHEMA } from '../../src/config';

const ROOT = join(__dirname, '..', '..');

/** Variables that the containers must not be given, each with the reason. */
const WITHHELD = {
  MASTER_KEY_FILE: 'a key file made in a container is gone with it',
  TEMPORAL_TLS: 'the server of docker-compose.yml speaks plain gRPC',
  TEMPORAL_API_KEY: 'and asks for no key',
};

const service = z.object({
  image: z.string(),
  build: z.string().optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  volumes: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
});

const { services, volumes } = z
  .object({ services: z.record(z.string(), service), volumes: z.record(z.string(), z.unknown()) })
  .parse(parse(read('docker-compose.yml'), { merge: true }));

const ours = Object.entries(services).filter(([, { build }]) => build !== undefined);

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** `dist/main-x.js` is made from `src/main-x.ts`. */
function sourceOf(program: string): string {
  return program.replace(/^dist\//, 'src/').replace(/\.js$/, '.ts');
}

/** What a program that is started as `node --enable-source-maps FILE` is made from. */
function programsIn(text: string): string[] {
  return [...text.matchAll(/dist\/main-[a-z-]+\.js/g)].map(([program]) => program);
}

describe('docker-compose.yml', () => {
  test('gives each of our processes every variable of the configuration, and no other', () => {
    const known = Object.keys(CONFIG_SCHEMA.shape).filter((name) => !(name in WITHHELD));

    expect(ours.map(([name]) => name)).toEqual(['migrate', 'temporal-setup', 'api', 'worker', 'worker-bulks']);
    for (const [, { environment }] of ours) expect(Object.keys(environment).sort()).toEqual([...known].sort());
  });

  test('takes from outside only variables of the configuration and the passwords of its own PostgreSQL', () => {
    const outside = [...read('docker-compose.yml').matchAll(/\$\{([A-Z_]+)/g)].map(([, name]) => name);

    const passwords = ['POSTGRES_PASSWORD', 'TEMPORAL_DB_PASSWORD'];
    expect(outside.filter((name) => !passwords.includes(name!) && !(name! in CONFIG_SCHEMA.shape))).toEqual([]);
  });

  test('starts programs that exist', () => {
    for (const [, { command }] of ours) {
      expect(command).toEqual(['node', '--enable-source-maps', expect.stringMatching(/^dist\/main-[a-z-]+\.js$/)]);
      expect(existsSync(join(ROOT, sourceOf(command![2]!)))).toBe(true);
    }
  });

  test('mounts files that exist and volumes that it declares', () => {
    const sources = Object.values(services).flatMap((each) => each.volumes.map((volume) => volume.split(':')[0]!));

    const missing = sources.filter((from) =>
      from.startsWith('./') ? !existsSync(join(ROOT, from)) : !(from in volumes),
    );
    expect(sources.length).toBeGreaterThan(0);
    expect(missing).toEqual([]);
  });

  test('waits only for services that exist, and for health only where it is checked', () => {
    for (const { depends_on: dependsOn } of Object.values(services)) {
      for (const [name, { condition }] of Object.entries(dependsOn)) {
        expect(services).toHaveProperty(name);
        expect(['service_healthy', 'service_completed_successfully']).toContain(condition);
        if (condition === 'service_healthy') expect(services[name]!.healthcheck).toBeDefined();
      }
    }
  });

  test('starts nothing of ours before the migrations and the Temporal set-up are done', () => {
    for (const name of ['api', 'worker', 'worker-bulks']) {
      expect(services[name]!.depends_on).toEqual({
        migrate: { condition: 'service_completed_successfully' },
        'temporal-setup': { condition: 'service_completed_successfully' },
      });
    }
  });

  test('has a worker for each thing that workers serve', () => {
    const served = ['worker', 'worker-bulks'].map((name) => services[name]!.environment['WORKER_SERVES']);

    expect(['all', ...served]).toEqual(CONFIG_SCHEMA.shape.WORKER_SERVES.unwrap().options);
  });

  test('publishes ports on loopback only, and pins every image', () => {
    for (const { ports, image } of Object.values(services)) {
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
      expect(image).toMatch(/:\d+\.\d+/);
    }
  });

  test('checks the health of our processes where they listen', () => {
    for (const [name, variable] of [
      ['api', 'API_PORT'],
      ['worker', 'METRICS_PORT'],
      ['worker-bulks', 'METRICS_PORT'],
    ] as const) {
      const { healthcheck, environment } = services[name]!;
      expect(healthcheck!.test.at(-1)).toContain(`127.0.0.1:${environment[variable]}/`);
    }
  });
});

describe('docker/dynamicconfig.yaml', () => {
  test('sets the keys that the development server is started with', () => {
    const keys = z.record(z.string(), z.tuple([z.object({ value: z.unknown(), constraints: z.object({}) })]));
    const values = keys.parse(parse(read('docker/dynamicconfig.yaml')));

    const ofDevServer = [
      ...read('src/temporal/dev-server.ts').matchAll(/'((?:history|matching|frontend)\.\w+)=([^']+)'/g),
    ];
    expect(ofDevServer.length).toBeGreaterThan(0);
    expect(Object.fromEntries(Object.entries(values).map(([key, [{ value }]]) => [key, value]))).toEqual(
      Object.fromEntries(ofDevServer.map(([, key, value]) => [key, JSON.parse(value!)])),
    );
  });
});

describe('Dockerfile', () => {
  const dockerfile = read('Dockerfile');

  test('copies what exists and what .dockerignore lets in', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths]) => paths!.split(' '));

    expect(copied.length).toBeGreaterThan(0);
    expect(copied.filter((path) => !allowed.includes(path) || !existsSync(join(ROOT, path)))).toEqual([]);
  });

  test('runs scripts of package.json and names programs that exist', () => {
    const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(read('package.json')));

    const named = [...dockerfile.matchAll(/npm run ([\w-]+)/g)].map(([, name]) => name!);
    expect(named).toEqual(['build']);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
    expect(programsIn(dockerfile).filter((program) => !existsSync(join(ROOT, sourceOf(program))))).toEqual([]);
    expect(dockerfile).toContain('CMD ["node", "--enable-source-maps", "dist/main-api.js"]');
  });

  test('is built on a pinned Node that package.json allows, and does not run as root', () => {
    expect(dockerfile).toMatch(/^ARG NODE_IMAGE=node:20\.(19|[2-9]\d)\.\d+-/m);
    expect(dockerfile).toMatch(/^USER node$/m);
    expect([...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image)).toEqual(Array(3).fill('${NODE_IMAGE}'));
  });
});

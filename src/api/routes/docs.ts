import express from 'express';
import type { Express } from 'express';
import swaggerUiPath from 'swagger-ui-dist/absolute-path';
import { z } from 'zod';

import type { ApiConfig } from '../deps';
import { createOpenApiDocument } from '../openapi';
import { defineRoute } from '../route';
import type { Route } from '../route';

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Cauri API</title>
    <link rel="stylesheet" href="/docs/assets/swagger-ui.css">
    <link rel="icon" href="/docs/assets/favicon-32x32.png">
  </head>
  <body>
    <div id="docs"></div>
    <script src="/docs/assets/swagger-ui-bundle.js"></script>
    <script src="/docs/assets/start.js"></script>
  </body>
</html>
`;

/**
 * The page calls the API where it was opened itself: under `localhost`, PUBLIC_URL's 127.0.0.1 would be another origin,
 * which the page's own policy forbids. Without `validatorUrl: null` the page would send the document to the internet.
 */
const START = `fetch('/openapi.json').then((response) => response.json()).then((document) => SwaggerUIBundle({
  spec: { ...document, servers: [{ url: location.origin }] }, dom_id: '#docs', validatorUrl: null, deepLinking: true,
  tryItOutEnabled: true, persistAuthorization: false, presets: [SwaggerUIBundle.presets.apis], layout: 'BaseLayout',
}));
`;

/** What the docs page loads: Swagger UI from its package, so that the page works without the internet. */
export function mountDocsAssets(app: Express): void {
  app.get('/docs/assets/start.js', (_request, response) => response.type('text/javascript').send(START));
  app.use('/docs/assets', express.static(swaggerUiPath(), { index: false, redirect: false, maxAge: '1h' }));
}

/** The OpenAPI document of the given routes and these two, and the page that shows it. */
export function docsRoutes(routes: readonly Route[], { PUBLIC_URL }: Pick<ApiConfig, 'PUBLIC_URL'>): readonly Route[] {
  const own = [
    defineRoute({
      method: 'get',
      path: '/openapi.json',
      operationId: 'getOpenApi',
      summary: 'This document.',
      tag: 'Service',
      access: 'public',
      answers: { 200: { description: 'OpenAPI 3.1.', schema: z.looseObject({ openapi: z.string() }) } },
      problems: [],
      handle: () => ({ status: 200, body: document }),
    }),
    defineRoute({
      method: 'get',
      path: '/docs',
      operationId: 'getDocs',
      summary: 'This document as a page.',
      tag: 'Service',
      access: 'public',
      answers: { 200: { description: 'The page.', type: 'text/html' } },
      problems: [],
      handle: () => ({ status: 200, type: 'text/html', body: PAGE }),
    }),
  ];
  const document = createOpenApiDocument([...routes, ...own], PUBLIC_URL);
  return own;
}

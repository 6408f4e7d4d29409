import express from 'express';
import type { ErrorRequestHandler, Express } from 'express';

import { isGuardRefusal } from '../db/errors';
import { alarmRefusal } from '../db/refusals';
import type { ApiDeps } from './deps';
import { contextOf, requestContext } from './middleware/request-context';
import { securityHeaders } from './middleware/security-headers';
import { mountRoutes } from './mount-routes';
import { ApiProblem, serializeProblem } from './problem';
import { createRoutes } from './routes';
import { createSharedWork } from './shared-work';
import { mountDocsAssets } from './routes/docs';
import { toProblem } from './to-problem';
import { PROBLEMS } from '../domain/problems';

/** The HTTP API: every route from the one table, and every error as problem+json. */
export function createApp(deps: ApiDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('strict routing');
  app.enable('case sensitive routing');
  app.set('query parser', 'simple');
  app.use(requestContext(deps));
  app.use(securityHeaders());
  mountDocsAssets(app);
  mountRoutes(app, createRoutes(deps.config), { ...deps, ...createSharedWork(deps) });
  app.use(() => {
    throw new ApiProblem('not_found', { detail: 'There is no such route.' });
  });
  app.use(answerProblem(deps));
  return app;
}

function answerProblem({ logger }: Pick<ApiDeps, 'logger'>): ErrorRequestHandler {
  return (error, _request, response, _next) => {
    const { requestId, route, ids } = contextOf(response);
    if (isGuardRefusal(error)) alarmRefusal(logger, { requestId, route, ...ids }, error);
    const problem = toProblem(error) ?? new ApiProblem('internal_error');
    if (PROBLEMS[problem.code].status >= 500) {
      logger.error({ err: error as unknown, requestId, route, code: problem.code }, 'a request failed');
    }
    if (response.headersSent) {
      response.destroy();
      return;
    }
    response
      .status(PROBLEMS[problem.code].status)
      .set({ 'Cache-Control': 'no-store', ...problem.extras.headers })
      .type('application/problem+json')
      .send(JSON.stringify(serializeProblem(problem.code, problem.extras, requestId)));
  };
}

import express, { Router, type NextFunction, type Request, type Response } from 'express';
import { z, ZodError } from 'zod';
import {
  accountBodySchema,
  configBodySchema,
  holdBodySchema,
  nextBulksBodySchema,
  type OrangeSimulatorControl,
} from './control';
import { HOLD_POINTS } from './holds';

/** `/_sim/*`: for tests and judges only, never for a connector. No authentication, no rate limit. */
export function createControlRouter(control: OrangeSimulatorControl): Router {
  const router = Router();
  router.use(express.json());
  router.get('/ledger', (_req, res) => void res.json(control.ledger()));
  router.get('/transactions', (_req, res) => void res.json(control.transactions()));
  router.get('/bulks', (_req, res) => void res.json(control.bulks()));
  router.post('/bulks/next', (req, res) => {
    control.planBulks(nextBulksBodySchema.parse(req.body));
    res.json({});
  });
  router.get('/requests', (_req, res) => void res.json(control.requests()));
  router.get('/callbacks', (_req, res) => void res.json(control.callbacks()));
  router.get('/config', (_req, res) => void res.json(control.config()));
  router.post('/config', (req, res) => {
    control.configure(configBodySchema.parse(req.body));
    res.json(control.config());
  });
  router.post('/keys/roll', async (_req, res) => {
    await control.rollKey();
    res.json({});
  });
  router.post('/tokens/expire', (_req, res) => {
    control.expireTokens();
    res.json({});
  });
  router.post('/accounts', (req, res) => {
    control.putAccount(accountBodySchema.parse(req.body));
    res.json({});
  });
  router.get('/hold', (_req, res) => void res.json(control.holds()));
  router.post('/hold', (req, res) => {
    control.hold(holdBodySchema.parse(req.body));
    res.json(control.holds());
  });
  router.delete('/hold', (req, res) => {
    const point = z.enum(HOLD_POINTS).optional().parse(req.query['point']);
    res.json({ released: control.release(point) });
  });
  router.post('/reset', (_req, res) => {
    control.reset();
    res.json({});
  });
  router.use((_req, res) => void res.status(404).json({ error: 'no such control endpoint' }));
  router.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
    if (error instanceof ZodError) res.status(400).json({ error: z.prettifyError(error) });
    else next(error);
  });
  return router;
}

